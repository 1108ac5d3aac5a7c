import type { ResultFormat } from "../result-format.ts";
import { guidellm } from "./guidellm.ts";
import { inferencePerf } from "./inference-perf.ts";
import { vllmBench } from "./vllm-bench.ts";

export { isInferencePerfConfig } from "./inference-perf.ts";

/** Result files that `fit-model` reads. */
export const resultFormats: readonly ResultFormat[] = [vllmBench, guidellm, inferencePerf];
