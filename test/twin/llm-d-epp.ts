import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dump, load, loadAll } from "js-yaml";
import { describeProblem, type Result } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import {
  type Manifest,
  type Mirrored,
  mirror,
  type ObservedCluster,
  pickerConfigWanted,
} from "../../src/twin/mirror.ts";
import type { Json } from "./quickstart.ts";

const folder = fileURLToPath(new URL("../../deploy/examples/llm-d-epp/", import.meta.url));
const texts = readdirSync(folder).map((file) => readFileSync(`${folder}${file}`, "utf8"));

/** The objects of deploy/examples/llm-d-epp, fresh, in a cluster whose ConfigMaps are fetched as the operator does. */
export class LlmdEpp {
  readonly objects: Json[] = texts.flatMap((text) => loadAll(text) as Json[]);

  /** The only object of a kind, or the one of that name. */
  the(kind: string, name?: string): Json {
    return this.objects.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  }

  get simulation(): Json {
    return this.the("InferenceSimulation");
  }

  get workload(): Json {
    return this.the("Deployment", "vllm-qwen3-14b");
  }

  get picker(): Json {
    return this.the("Deployment", "qwen3-14b-epp");
  }

  get flags(): string[] {
    return this.picker.spec.template.spec.containers[0].args;
  }

  /** Changes what the picker's ConfigMap holds. */
  configure(change: (config: Json) => void): void {
    const { data } = this.the("ConfigMap");
    const config = load(data["plugins.yaml"]);
    change(config);
    data["plugins.yaml"] = dump(config);
  }

  remove(kind: string, name?: string): void {
    this.objects.splice(this.objects.indexOf(this.the(kind, name)), 1);
  }

  /** Sets `spec.overrides.gateway`. */
  override(gateway: Json): void {
    this.simulation.spec.overrides = { gateway };
  }

  get cluster(): ObservedCluster {
    const all: readonly Manifest[] = this.objects.filter(({ kind }) => kind !== "ConfigMap");
    return {
      get: (kind, namespace, name) =>
        all.find((one) => one.kind === kind && one.metadata.namespace === namespace && one.metadata.name === name),
      list: (kind, namespace) =>
        all.filter((one) => one.kind === kind && (namespace === undefined || one.metadata.namespace === namespace)),
    };
  }

  mirror(): Result<Mirrored> {
    const parsed = parseSimulation(this.simulation, {});
    if (!parsed.ok) throw new Error(parsed.problems.map(describeProblem).join("\n"));
    const wanted = pickerConfigWanted(parsed.value, this.cluster);
    const text = wanted === undefined ? undefined : this.the("ConfigMap", wanted.name)?.data[wanted.key];
    return mirror(parsed.value, this.cluster, {
      limits: DEFAULT_LIMITS,
      ...(text === undefined ? {} : { pickerConfig: text }),
    });
  }
}
