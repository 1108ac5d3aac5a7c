import { type Known, known } from "../../model/known.ts";
import { bad, good, type Problem, type Result } from "../../model/problem.ts";
import { Field } from "../field.ts";
import { type Manifest, refOf } from "../manifest.ts";
import { type WorkloadReading, workloadReader } from "../reader.ts";
import { Environment } from "./environment.ts";
import { GPU_RESOURCES, readGpu } from "./gpu.ts";
import { type Launch, LOOKED_FOR, launchOf } from "./launch.ts";
import { readModelStorage, survives, volumeAt } from "./model-storage.ts";
import { readPlacement } from "./placement.ts";
import { readPodRequests } from "./pod-requests.ts";
import { readPodLife } from "./probes.ts";
import { VllmArguments } from "./vllm-args.ts";

/** Reads an apps/v1 Deployment that runs vLLM's OpenAI server. Defaults as the API server's, Kubernetes v1.36. */
export const deployment = workloadReader({
  kind: "Deployment",
  group: "apps",
  summary: "a Deployment whose container runs vLLM's OpenAI-compatible server",
  read: (manifest) => readDeployment(manifest),
});

interface Engine {
  readonly container: Field;
  readonly environment: Environment;
  readonly launch: Launch;
}

const readDeployment = (manifest: Manifest): Result<WorkloadReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const template = spec.at("template");
  const pod = template.at("spec");
  const engine = engineOf(pod);
  if (engine === undefined) return bad(...problems, notVllm(pod));
  const { container, environment, launch } = engine;
  const said = new VllmArguments(launch, spec.object);
  const metadata = [template.at("metadata"), Field.root(manifest, problems).at("metadata")];
  const reading: WorkloadReading = {
    ref: refOf(manifest),
    labels: template.at("metadata", "labels").texts(),
    replicas: spec.at("replicas").whole() ?? known(1, { kind: "default", why: "Kubernetes: replicas is 1" }),
    container: container.at("name").text() ?? known("vllm", { kind: "default", why: "the container has no name" }),
    arguments: said,
    version: versionOf(container.at("image").text()),
    gpu: readGpu(pod, container, metadata, problems),
    placement: readPlacement(pod, container, template.at("metadata")),
    requests: readPodRequests(pod),
    life: readPodLife(spec, pod, container, problems),
    storage: readModelStorage(pod, container, environment, said.text("model")?.value, said.text("download-dir")?.value),
    compileCache: compileCacheOf(pod, container, environment),
  };
  problems.push(...said.problems, ...oldEngine(environment, spec.object));
  const [error] = problems.filter(({ severity }) => severity === "error");
  return error === undefined ? good(reading, problems) : { ok: false, problems };
};

/** The first container with a GPU among those that run vLLM, else the first of them. */
const engineOf = (pod: Field): Engine | undefined => {
  const engines = pod
    .at("containers")
    .items()
    .flatMap((container): Engine[] => {
      const environment = Environment.of(container);
      const launch = launchOf(container, environment);
      return launch === undefined ? [] : [{ container, environment, launch }];
    });
  const hasGpu = ({ container }: Engine): boolean =>
    GPU_RESOURCES.some((resource) => container.at("resources", "limits", resource).present);
  return engines.find(hasGpu) ?? engines[0];
};

const notVllm = (pod: Field): Problem => {
  const containers = pod.at("containers").items();
  const shown = containers.map((container) => {
    const words = [...container.at("command").items(), ...container.at("args").items()].map(({ raw }) => String(raw));
    const runs = words.length > 0 ? words.join(" ").replaceAll(/\s+/g, " ") : String(container.at("image").raw);
    return `${String(container.at("name").raw)} (${runs.length > 60 ? `${runs.slice(0, 57)}...` : runs})`;
  });
  const found = shown.length === 0 ? "it has no containers" : `found ${shown.join(", ")}`;
  return {
    severity: "error",
    reason: "NotVllm",
    object: pod.object,
    field: pod.at("containers").path,
    message: `no container runs vLLM: looked for ${LOOKED_FOR}; ${found}`,
    fix: "mirror a Deployment that serves with vLLM",
  };
};

/** Only the project's own images say vLLM's version in their tag. */
const versionOf = (image: Known<string> | undefined): Known<string> | undefined => {
  const tag = /(?:^|\/)vllm-openai[^/:@]*:(v?\d+\.\d+(?:\.\d+)?)/.exec(image?.value ?? "")?.[1];
  return image === undefined || tag === undefined ? undefined : known(tag, image.from);
};

/** VLLM_CACHE_ROOT, or where it is by itself (vLLM 0.22, vllm/envs.py), if a volume outlives the pod there. */
const compileCacheOf = (pod: Field, container: Field, environment: Environment): Known<string> | undefined => {
  const said = environment.get("VLLM_CACHE_ROOT");
  const path = said?.known ? said.word.text : "/root/.cache/vllm";
  const volume = volumeAt(pod, container, path);
  return volume !== undefined && survives(volume) ? known(path, volume.from) : undefined;
};

const oldEngine = (environment: Environment, object: string): readonly Problem[] => {
  const said = environment.get("VLLM_USE_V1");
  if (!said?.known || said.word.text !== "0") return [];
  const message = "VLLM_USE_V1=0 chooses the old engine; it is simulated as V1";
  return [{ severity: "warning", reason: "NotModelled", object, field: said.word.field, message }];
};
