import { type Known, known } from "../../model/known.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { type Ledger, overridden, withSource } from "../ledger.ts";
import type { FoundPage } from "../scenario.ts";

/** What a real replica says of its KV cache: num_gpu_blocks of each data-parallel rank, as the simulation counts them. */
export interface CachePage {
  /** Left out where spec.overrides.engine.numGpuBlocks is set. */
  readonly numGpuBlocks?: Known<number>;
  readonly blockSize?: Known<number>;
  /** --gpu-memory-utilization that it runs with. */
  readonly gpuMemoryUtilization?: number;
  /** Every model_name of its series. */
  readonly modelNames: readonly string[];
}

type EngineOverride = NonNullable<SimulationSpec["overrides"]["engine"]>;
type Labels = Readonly<Record<string, string>>;

const FIELD = "overrides.engine.metricsPage";
const FAMILY = "vllm:cache_config_info";
const MOST_BLOCKS = 1e9;

/**
 * Reads a replica's /metrics page (Prometheus text format), of any vLLM that has `vllm:cache_config_info`: V0 since 0.5,
 * which has one series, and V1 with one per engine core (`vllm/v1/metrics/loggers.py`, `log_metrics_info`).
 *
 * @returns undefined without a page, or where the ledger tells what is wrong with it
 */
export const mirrorPage = (
  found: FoundPage | undefined,
  override: EngineOverride | undefined,
  ledger: Ledger,
): CachePage | undefined => {
  if (found === undefined) return undefined;
  const where = found.from === undefined ? "the page" : found.from;
  const wrong = (reason: string, message: string, fix: string): undefined =>
    ledger.error({ reason, field: `spec.${FIELD}`, message, fix });
  const lines = found.text.split(/\r?\n/);
  const engines: Labels[] = [];
  const modelNames = new Set<string>();
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith("vllm:")) continue;
    const labels = labelsOf(line);
    if (labels?.model_name !== undefined) modelNames.add(labels.model_name);
    if (!/^vllm:cache_config_info[{ ]/.test(line)) continue;
    if (labels === undefined) {
      const message = `${where}, line ${index + 1}: this is no sample of Prometheus' text format`;
      return wrong("BadMetricsPage", message, "give the page as the replica writes it");
    }
    engines.push(labels);
  }
  if (engines.length === 0) {
    const message = `${where} has no ${FAMILY}`;
    return wrong("BadMetricsPage", message, "give the /metrics page of a running vLLM replica, whole");
  }
  const numbers = (label: string): readonly (number | undefined)[] => engines.map((one) => whole(one[label]));
  const instead = "set spec.overrides.engine.numGpuBlocks";
  const agreed = (label: string, values: readonly (number | undefined)[]): number | undefined => {
    const [first] = values;
    if (values.every((value) => value === first)) return first;
    const each = engines.map((one) => `engine ${one.engine ?? "?"}: ${one[label] ?? "none"}`).join(", ");
    const message = `the engines of ${where} disagree on ${label} (${each})`;
    return wrong("MetricsPageDisagrees", message, `${instead}, which holds for each, or keep one engine's line`);
  };
  const failed = ledger.problems.length;
  const blockSize = agreed("block_size", numbers("block_size"));
  let numGpuBlocks: number | undefined;
  if (override?.numGpuBlocks === undefined) {
    numGpuBlocks = agreed("num_gpu_blocks", numbers("num_gpu_blocks"));
    if (ledger.problems.length > failed) return undefined;
    if (numGpuBlocks === undefined || numGpuBlocks < 2 || numGpuBlocks > MOST_BLOCKS) {
      const said = engines[0]?.num_gpu_blocks;
      const message = `${where} has ${said === undefined ? "no num_gpu_blocks" : `num_gpu_blocks="${said}"`}, which is no count of blocks`;
      const fix = `${instead} to the "GPU KV cache size" of the replica's log over the block size, or wait until it is ready`;
      return wrong("BadMetricsPage", message, fix);
    }
  }
  if (ledger.problems.length > failed) return undefined;
  if (blockSize === undefined || blockSize < 1) {
    const message = `${where} does not say its block_size; that of the mirrored objects stands`;
    ledger.warn({ reason: "NoBlockSize", field: `spec.${FIELD}`, message });
  }
  const share = Number(engines[0]?.gpu_memory_utilization);
  const from = <T>(value: T): Known<T> => known(value, { kind: "override", field: `spec.${FIELD}` });
  return {
    ...(numGpuBlocks === undefined ? {} : { numGpuBlocks: from(numGpuBlocks) }),
    ...(blockSize === undefined || blockSize < 1 ? {} : { blockSize: from(blockSize) }),
    ...(share > 0 ? { gpuMemoryUtilization: share } : {}),
    modelNames: [...modelNames].sort(),
  };
};

/** A page of another model is believed, with a word. @param served the name that the mirrored replicas serve under */
export const warnOfOtherModel = ({ modelNames }: CachePage, served: Known<string>, ledger: Ledger): void => {
  if (modelNames.length === 0 || modelNames.includes(served.value)) return;
  const names = modelNames.slice(0, 5).join(", ");
  const message = `the metrics page is of a replica that serves ${names}, and the mirrored ones serve ${withSource(served)}`;
  ledger.warn({ reason: "OtherModel", field: `spec.${FIELD}`, message });
};

/** What the page can't share with the mirrored objects: a replica with other flags has another cache. */
export const warnOfOtherSettings = (
  page: CachePage,
  mirrored: { readonly share: Known<number>; readonly blockSize: Known<number> },
  ledger: Ledger,
): void => {
  for (const [flag, real, said] of [
    ["--gpu-memory-utilization", page.gpuMemoryUtilization, mirrored.share],
    ["--block-size", page.blockSize?.value, mirrored.blockSize],
  ] as const) {
    // What nobody asked for is vLLM's to choose, and the page says what it chose.
    if (real === undefined || real === said.value || said.from.kind === "default") continue;
    const message = `the metrics page is of a replica with ${flag} ${real}, and the mirrored ones have ${withSource(said)}`;
    ledger.warn({ reason: "OtherSettings", field: `spec.${FIELD}`, message });
  }
};

/** The page's blocks against what would be computed. @param computed KV blocks per rank */
export const warnOfOtherCapacity = (given: Known<number>, computed: number, ledger: Ledger): void => {
  if (given.value < 1.25 * computed && given.value > 0.75 * computed) return;
  const message = `the metrics page has ${given.value} KV blocks, about ${computed} are computed from the mirrored objects: is it of a replica with these GPUs and flags?`;
  ledger.warn({ reason: "OtherCapacity", field: `spec.${FIELD}`, message });
};

/** The page's block count, or what the simulation says in its place. */
export const givenBlocks = (override: EngineOverride, page: CachePage | undefined): Known<number> | undefined =>
  overridden(override.numGpuBlocks, "overrides.engine.numGpuBlocks") ?? page?.numGpuBlocks;

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

const SAMPLE = /^[a-zA-Z_:][\w:]*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+\S+(?:\s+-?\d+)?\s*$/;
const LABEL = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;

/** Labels of a sample's line (Prometheus text format 0.0.4); undefined: it is none. */
const labelsOf = (line: string): Labels | undefined => {
  const sample = SAMPLE.exec(line);
  if (sample === null) return undefined;
  const [text, labels]: [string, Record<string, string>] = [(sample[1] ?? "").trim(), {}];
  for (LABEL.lastIndex = 0; LABEL.lastIndex < text.length; ) {
    const label = LABEL.exec(text);
    if (label === null) return undefined;
    labels[label[1] as string] = (label[2] as string).replace(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char));
  }
  return labels;
};
