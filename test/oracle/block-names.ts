import type { Request, SharedPrefix } from "../../src/model/request.ts";

/** Names of a sequence's KV blocks; equal exactly where the tokens up to the block's end are. */
export type BlockNames = (index: number) => string;

/**
 * Leading blocks are named by the shared prefix, those after it by the conversation, if there is one; else nobody has the
 * same. Adapter and salt keep others' blocks apart, as vLLM's extra keys do (vllm/v1/core/kv_cache_utils.py).
 */
export const namesOf = (request: Request, order: number, blockSize: number): BlockNames => {
  const { prefix, promptTokens, conversation, adapter, cacheSalt } = request;
  const scope = JSON.stringify([adapter ?? null, cacheSalt ?? null]);
  const shared = prefix === undefined ? 0 : Math.floor(Math.min(sharedTokens(prefix), promptTokens) / blockSize);
  const names: string[] = [];
  const nameOf = (index: number): string => {
    if (index < shared) return `${scope} ${prefixName(prefix as SharedPrefix, index, blockSize)}`;
    if (conversation !== undefined) return `${scope} conversation ${conversation} block ${index}`;
    return `request ${order} block ${index}`;
  };
  return (index) => (names[index] ??= nameOf(index));
};

const sharedTokens = (prefix: SharedPrefix): number =>
  prefix.kind === "group" ? prefix.tokens : prefix.ids.length * prefix.blockTokens;

const prefixName = (prefix: SharedPrefix, index: number, blockSize: number): string => {
  if (prefix.kind === "group") return `group ${prefix.key} block ${index}`;
  const lastToken = (index + 1) * blockSize - 1;
  const ids = prefix.ids.slice(0, Math.floor(lastToken / prefix.blockTokens) + 1);
  return `chain ${ids.join()} block ${index}`;
};
