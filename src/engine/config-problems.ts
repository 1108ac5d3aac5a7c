import type { Problem } from "../model/problem.ts";
import type { EngineConfig } from "./engine.ts";
import { modelLenProblem } from "./kv-capacity.ts";

/**
 * Settings with which vLLM refuses to start (vllm/config/scheduler.py, vllm/v1/core/kv_cache_utils.py); `blis` mode
 * takes more. Ask before `createEngine`, which throws on them.
 */
export const configProblems = (config: EngineConfig): readonly Problem[] => {
  const { mode, maxNumSeqs, maxNumBatchedTokens, maxModelLen, blockSize, numGpuBlocks, chunkedPrefill } = config;
  if (mode === "blis") return numGpuBlocks >= 1 ? [] : [error("NoKvCache", "the KV cache has no block", MORE_MEMORY)];
  const problems: Problem[] = [];
  if (maxNumBatchedTokens < maxNumSeqs) {
    problems.push(
      error(
        "TokenBudget",
        `max_num_batched_tokens (${maxNumBatchedTokens}) is less than max_num_seqs (${maxNumSeqs})`,
        `set --max-num-batched-tokens to at least ${maxNumSeqs}, or --max-num-seqs to at most ${maxNumBatchedTokens}`,
      ),
    );
  }
  if (!chunkedPrefill && maxNumBatchedTokens < maxModelLen) {
    problems.push(
      error(
        "TokenBudget",
        `without chunked prefill max_num_batched_tokens (${maxNumBatchedTokens}) must reach max_model_len (${maxModelLen})`,
        `set --max-num-batched-tokens to at least ${maxModelLen}, or allow chunked prefill`,
      ),
    );
  }
  if (numGpuBlocks < 2)
    problems.push(error("NoKvCache", "the KV cache has no block beside the null block", MORE_MEMORY));
  const kvGroups = config.kvGroups ?? [{}];
  const cache = { blocks: numGpuBlocks, blockSize, kvGroups, budget: maxNumBatchedTokens };
  const tooLong = numGpuBlocks < 2 ? undefined : modelLenProblem(cache, maxModelLen);
  return tooLong === undefined ? problems : [...problems, tooLong];
};

const MORE_MEMORY = "give the KV cache more memory";
const error = (reason: string, message: string, fix: string): Problem => ({ severity: "error", reason, message, fix });
