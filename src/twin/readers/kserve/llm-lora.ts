import type { Problem } from "../../../model/problem.ts";
import { listIn, numberIn, type Said, saidIn, textIn } from "../../made-spec.ts";

/** Words that KServe puts before the arguments of a server with adapters, each with the field that it is taken from. */
export type LoraWords = readonly { readonly text: string; readonly from: string }[];

interface Adapter {
  readonly name: string;
  readonly uri: string;
  /** Of its entry in the spec. */
  readonly path: string;
}

const LORA = "spec.model.lora";

/**
 * What `spec.model.lora` adds to the arguments of each server: vLLM's defaults stay where the spec has no bounds. Not before
 * KServe v0.19, whose predecessors pass over the field.
 * Source: KServe v0.20, pkg/controller/v1alpha2/llmisvc/workload_lora.go; ValidateLoRAAdapters of pkg/apis/serving/v1alpha2.
 *
 * @param model the name of the base model
 */
export const loraWordsOf = (
  spec: Said,
  { namespace, model, object }: { readonly namespace: string; readonly model: string; readonly object: string },
  problems: Problem[],
): LoraWords => {
  const lora = saidIn(spec, "model", "lora");
  const adapters = listIn(lora, "adapters")
    .map((said, i) => ({
      name: textIn(said, "name") ?? "",
      uri: textIn(said, "uri") ?? "",
      path: `${LORA}.adapters[${i}]`,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  if (adapters.length === 0) return [];
  const isFetched = saidIn(spec, "storageInitializer").enabled !== false;
  const wrong = adapters.flatMap((adapter, i) => refusalsOf(adapter, adapters.slice(0, i), model, isFetched));
  problems.push(...wrong.map((one): Problem => ({ severity: "error", reason: "BadAdapter", object, ...one })));
  const bounds = [
    ["--max-lora-rank", "maxRank"],
    ["--max-loras", "maxAdapters"],
    ["--max-cpu-loras", "maxCpuAdapters"],
  ] as const;
  return [
    { text: "--enable-lora", from: `${LORA}.adapters` },
    ...bounds.flatMap(([flag, key]) => {
      const value = numberIn(lora, key);
      return value === undefined ? [] : [{ text: `${flag}=${value}`, from: `${LORA}.${key}` }];
    }),
    { text: "--lora-modules", from: `${LORA}.adapters` },
    ...adapters.flatMap(({ name, path }) =>
      // Also under the name that says its namespace; `eval` takes the quotes away.
      [name, `publishers/${namespace}/models/${name}`].map((known) => ({
        text: `'${JSON.stringify({ name: known, path: `/mnt/lora/${name.replaceAll(/[^\w.-]/g, "-")}` })}'`,
        from: path,
      })),
    ),
  ];
};

type Refusal = Pick<Problem, "field" | "message" | "fix">;

/** What KServe's admission or its controller has against an adapter. */
const refusalsOf = (
  { name, uri, path }: Adapter,
  before: readonly Adapter[],
  model: string,
  isFetched: boolean,
): readonly Refusal[] => {
  const refused: Refusal[] = [];
  const same = before.find((other) => other.name === name);
  if (name === "") {
    refused.push({ field: `${path}.name`, message: "is required of an adapter", fix: "name what requests ask for" });
  } else if (name === model) {
    const message = `${name} is the name of the base model itself`;
    refused.push({ field: `${path}.name`, message, fix: "give the adapter a name of its own" });
  } else if (same !== undefined) {
    const message = `${name} is the name of ${same.path} too`;
    refused.push({ field: `${path}.name`, message, fix: "give each adapter a name of its own" });
  }
  if (!/^(hf|s3|pvc):\/\//.test(uri)) {
    const message = `KServe takes adapters from hf://, s3:// and pvc:// only, not from ${JSON.stringify(uri)}`;
    refused.push({ field: `${path}.uri`, message, fix: "put it there" });
  } else if (!isFetched) {
    const message = "KServe attaches no adapter while spec.storageInitializer.enabled is false";
    refused.push({ field: `${path}.uri`, message, fix: "leave storageInitializer out" });
  }
  return refused;
};

/** Whether a container says itself which adapters it has: KServe then adds nothing. */
export const saysModules = (container: Said): boolean => {
  const words = [container.command, container.args].flatMap((list): readonly unknown[] =>
    Array.isArray(list) ? list : [],
  );
  const added = listIn(container, "env").find(({ name }) => name === "VLLM_ADDITIONAL_ARGS");
  return [...words, added?.value ?? ""].some((text) => String(text).includes("--lora-modules"));
};
