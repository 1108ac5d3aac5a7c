import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadAll } from "js-yaml";
import { describeProblem, type Result } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { type Manifest, type Mirrored, type MirrorParts, mirror } from "../../src/twin/mirror.ts";

/** Plain JSON, free to be changed. */
// biome-ignore lint/suspicious/noExplicitAny: manifests are changed in any place.
export type Json = any;

const folder = fileURLToPath(new URL("../../deploy/examples/quickstart/", import.meta.url));
const texts = new Map<string, readonly Json[]>();
const load = (file: string): readonly Json[] => {
  const read = texts.get(file) ?? (loadAll(readFileSync(`${folder}${file}`, "utf8")) as Json[]);
  texts.set(file, read);
  return structuredClone(read);
};

/** The objects of deploy/examples/quickstart, fresh. */
export class Quickstart {
  readonly deployment: Json = load("vllm-llama-8b.yaml")[0];
  readonly hpa: Json = load("hpa.yaml")[0];
  readonly simulation: Json = load("simulations.yaml")[0];
  readonly shadow: Json = load("simulations.yaml")[1];
  /** Further objects of the cluster. */
  readonly others: Json[] = [];
  /** Taken away by a test. */
  readonly gone = new Set<Json>();

  get pod(): Json {
    return this.deployment.spec.template.spec;
  }

  get container(): Json {
    return this.pod.containers[0];
  }

  /** Sets a flag to another value, wherever it stands, or adds it. */
  setFlag(name: string, value: string | number): void {
    const { args } = this.container;
    const at = args.findIndex((arg: string) => arg.split("=")[0] === `--${name}`);
    if (at < 0) args.push(`--${name}=${value}`);
    else if (args[at].includes("=")) args[at] = `--${name}=${value}`;
    else args[at + 1] = String(value);
  }

  mirror(parts: Partial<MirrorParts> = {}, simulation: Json = this.simulation): Result<Mirrored> {
    const parsed = parseSimulation(simulation, {});
    if (!parsed.ok) throw new Error(parsed.problems.map(describeProblem).join("\n"));
    const objects: readonly Manifest[] = [this.deployment, this.hpa, ...this.others].filter(
      (one) => !this.gone.has(one),
    );
    const cluster = {
      get: (kind: string, namespace: string, name: string) =>
        objects.find((one) => one.kind === kind && one.metadata.namespace === namespace && one.metadata.name === name),
      list: (kind: string, namespace?: string) =>
        objects.filter((one) => one.kind === kind && (namespace === undefined || one.metadata.namespace === namespace)),
    };
    return mirror(parsed.value, cluster, { limits: DEFAULT_LIMITS, ...parts });
  }
}
