import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Field } from "../../field.ts";
import type { ObservedCluster } from "../../manifest.ts";
import type { WorkloadReading } from "../../reader.ts";
import type { Files, Launch, ServerProgram } from "../servers/server-program.ts";
import { configMapsIn } from "./config-maps.ts";
import { type ConfigMapLookUp, Environment } from "./environment.ts";
import { execProblems } from "./exec-bounds.ts";
import { asksForDevices, readGpu } from "./gpu.ts";
import { readKvPlaces } from "./kv-places.ts";
import { LOOKED_FOR, launchOf } from "./launch.ts";
import { readModelStorage, survives, volumeAt } from "./model-storage.ts";
import { mountedKey } from "./mounted-key.ts";
import { readPlacement } from "./placement.ts";
import { readPodRequests } from "./pod-requests.ts";
import { readPodLife } from "./probes.ts";

/** What the template of a pod that runs vLLM says, of whatever kind the workload is. */
export type PodTemplateReading = Omit<WorkloadReading, "ref" | "replicas">;

export interface PodTemplateParts {
  /** Where ConfigMaps are, that variables are taken from. */
  readonly cluster: Pick<ObservedCluster, "get">;
  /** The workload itself: `metadata` and `spec.minReadySeconds` count. */
  readonly workload: Field;
  readonly template: Field;
  /** Variables that the workload's controller adds to each container. */
  readonly given?: Readonly<Record<string, string>>;
  /** Claims that each pod gets of its own, by the names of their volumes. */
  readonly claims?: readonly Field[];
  /** The engine spans several pods: flags that say so are no news. */
  readonly spansPods?: boolean;
}

/**
 * Reads a pod template in the one way that all kinds of workloads share. Defaults as the API server's, Kubernetes v1.36.
 *
 * @param problems where all that is wrong is told
 * @returns undefined where no container runs a model server, or anything is an error
 */
export const readPodTemplate = (parts: PodTemplateParts, problems: Problem[]): PodTemplateReading | undefined => {
  const { cluster, workload, template, given = {}, claims = [], spansPods = false } = parts;
  const pod = template.at("spec");
  const tooLong = execProblems(pod);
  if (tooLong.length > 0) {
    problems.push(...tooLong);
    return undefined;
  }
  const namespace = String(workload.at("metadata", "namespace").raw ?? "default");
  const maps = configMapsIn(cluster, namespace);
  const engine = engineOf(pod, given, maps);
  if (engine === undefined) {
    problems.push(notVllm(pod));
    return undefined;
  }
  const { container, environment, program, launch } = engine;
  const version = versionOf(container.at("image").text());
  const files = filesOf(pod, container, maps);
  const said = program.read(launch, template.object, { spansPods, version, files });
  const metadata = [template.at("metadata"), workload.at("metadata")];
  const [model, cache] = [said.text("model")?.value, said.text("download-dir")?.value];
  const reading: PodTemplateReading = {
    podPath: pod.path,
    labels: template.at("metadata", "labels").texts(),
    container: container.at("name").text() ?? known("vllm", { kind: "default", why: "the container has no name" }),
    arguments: said,
    version,
    gpu: readGpu({ pod, container, metadata, cluster, namespace }, problems),
    placement: readPlacement(pod, container, template.at("metadata")),
    requests: readPodRequests(pod),
    life: readPodLife(workload.at("spec"), pod, container, problems),
    ...modelUriIn(pod, template.at("metadata", "annotations"), model),
    storage: readModelStorage({ pod, container, claims }, environment, model, cache),
    kvPlaces: readKvPlaces({ pod, container, claims }, environment, files),
    compileCache: compileCacheOf(pod, container, environment),
  };
  problems.push(...said.problems, ...unmodelledVariables(environment, template.object));
  return problems.some(({ severity }) => severity === "error") ? undefined : reading;
};

interface Engine {
  readonly container: Field;
  readonly environment: Environment;
  readonly program: ServerProgram;
  readonly launch: Launch;
}

/** The first container with a GPU among those that run a server, else the first of them. */
const engineOf = (
  pod: Field,
  given: Readonly<Record<string, string>>,
  configMaps: ConfigMapLookUp,
): Engine | undefined => {
  const engines = pod
    .at("containers")
    .items()
    .flatMap((container): Engine[] => {
      const environment = Environment.of(container, given, configMaps);
      const found = launchOf(container, environment);
      return found === undefined ? [] : [{ container, environment, ...found }];
    });
  return engines.find(({ container }) => asksForDevices(container)) ?? engines[0];
};

/** What is mounted from ConfigMaps; nothing else of a container's files is known. */
const filesOf =
  (pod: Field, container: Field, maps: ConfigMapLookUp): Files =>
  (path) => {
    const found = mountedKey(path, pod, container);
    if (found === undefined) return { unknown: "it is mounted from no ConfigMap" };
    const text = maps.value(found.name, found.key);
    return text === undefined
      ? { unknown: `there is no ConfigMap ${found.name} with key ${found.key} here` }
      : { text };
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
    reason: "NoModelServer",
    object: pod.object,
    field: pod.at("containers").path,
    message: `no container runs a model server that is known: looked for ${LOOKED_FOR}; ${found}`,
    fix: "mirror a workload that serves with vLLM, SGLang or TensorRT-LLM",
  };
};

/** KServe's init container, or, before it is put into pods, the annotation that asks for it. */
const SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri";

/**
 * Where a model that is served from a path was put there from, left out where nothing says.
 * Source: KServe v0.17, pkg/webhook/admission/pod/storage_initializer_injector.go.
 */
const modelUriIn = (pod: Field, annotations: Field, model: string | undefined): Pick<WorkloadReading, "modelUri"> => {
  if (model === undefined || !model.startsWith("/")) return {};
  const puts = pod
    .at("initContainers")
    .items()
    .map((container) => container.at("args"))
    .find((args) => args.at(1).raw === model);
  const uri = puts?.at(0).text() ?? annotations.at(SOURCE).text();
  return uri === undefined ? {} : { modelUri: uri };
};

/** Only the project's own images say vLLM's version in their tag. */
const versionOf = (image: Known<string> | undefined): Known<string> | undefined => {
  const tag = /(?:^|\/)vllm-openai[^/:@]*:(v?\d+\.\d+(?:\.\d+)?)/.exec(image?.value ?? "")?.[1];
  return image === undefined || tag === undefined ? undefined : known(tag, image.from);
};

/** VLLM_CACHE_ROOT, or where it is by itself (vLLM 0.22, vllm/envs.py), if a volume outlives the pod there. */
const compileCacheOf = (pod: Field, container: Field, environment: Environment): Known<string> | undefined => {
  const disabled = environment.get("VLLM_DISABLE_COMPILE_CACHE");
  if (disabled?.known && !["", "0"].includes(disabled.word.text)) return undefined;
  const said = environment.get("VLLM_CACHE_ROOT");
  const path = said?.known ? said.word.text : "/root/.cache/vllm";
  const volume = volumeAt(pod, container, path);
  return volume !== undefined && survives(volume) ? known(path, volume.from) : undefined;
};

/** Variables of vLLM that change performance (vllm/envs.py), and are not modelled. */
const UNMODELLED = [
  "VLLM_ALL2ALL_BACKEND",
  "VLLM_ATTENTION_BACKEND",
  "VLLM_ENABLE_V1_MULTIPROCESSING",
  "VLLM_USE_DEEP_GEMM",
];

const unmodelledVariables = (environment: Environment, object: string): readonly Problem[] => {
  const warning = (field: string, message: string): Problem => ({
    severity: "warning",
    reason: "NotModelled",
    object,
    field,
    message,
  });
  const old = environment.get("VLLM_USE_V1");
  const isOld = old?.known === true && old.word.text === "0";
  return [
    ...(isOld ? [warning(old.word.field, "VLLM_USE_V1=0 chooses the old engine; it is simulated as V1")] : []),
    ...UNMODELLED.flatMap((name) => {
      const said = environment.get(name);
      if (said === undefined) return [];
      const message = `${name} changes performance and is not modelled; it is simulated as at its default`;
      return [warning(said.known ? said.word.field : said.field, message)];
    }),
  ];
};
