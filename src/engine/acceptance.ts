import { mix32 } from "../sim/rng.ts";
import type { SpeculationConfig } from "./engine.ts";

/**
 * Draft tokens that the model accepts of one request's `drafts` in one of its verifications. The draw depends on nothing
 * else, so that it is the same whoever else is in the batch.
 * @param order rank of the request's submission @param verification its verifications so far
 * Source: rejection sampling accepts a prefix of the drafts (vllm/v1/sample/rejection_sampler.py, May 2026).
 */
export const acceptedDrafts = (
  { acceptance, seed = 0 }: SpeculationConfig,
  order: number,
  verification: number,
  drafts: number,
): number => {
  let accepted = 0;
  let lane = mix32(mix32(seed, order), verification);
  while (accepted < drafts) {
    lane = mix32(lane, accepted + 1);
    if ((lane >>> 0) / 2 ** 32 >= (acceptance[accepted] ?? acceptance.at(-1) ?? 0)) break;
    accepted += 1;
  }
  return accepted;
};
