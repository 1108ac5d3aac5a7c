import type { EngineConfig } from "../../src/engine/engine.ts";
import type { Request } from "../../src/model/request.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { request } from "./drive.ts";

export const between = (rng: Rng, least: number, most: number): number => least + rng.below(most - least + 1);
export const oneOf = <T>(rng: Rng, choices: readonly T[]): T => choices[rng.below(choices.length)] as T;

/** Small caches and budgets, so that everything runs short. */
export const anyConfig = (rng: Rng, mode: EngineConfig["mode"]): EngineConfig => {
  const blockSize = oneOf(rng, [1, 4, 16]);
  const maxModelLen = between(rng, 24, 120);
  const maxNumSeqs = between(rng, 1, 8);
  const chunkedPrefill = rng.next() < 0.85;
  const least = chunkedPrefill ? maxNumSeqs : Math.max(maxNumSeqs, maxModelLen);
  return {
    mode,
    maxNumSeqs,
    maxNumBatchedTokens: least + rng.below(60),
    maxModelLen,
    blockSize,
    numGpuBlocks: Math.ceil(maxModelLen / blockSize) + 1 + rng.below(oneOf(rng, [2, 8, 40])),
    prefixCaching: rng.next() < 0.75,
    chunkedPrefill,
    longPrefillTokenThreshold: rng.next() < 0.3 ? between(rng, 1, 30) : 0,
    asyncScheduling: rng.next() < 0.5,
  };
};

export const anyRequests = (rng: Rng, config: EngineConfig): readonly Request[] => {
  const pace = oneOf(rng, [1, 800, 5000]);
  let at = 0;
  return Array.from({ length: between(rng, 1, 40) }, (_, id) => {
    at += rng.below(2 * pace);
    const prompt = between(rng, 1, rng.next() < 0.05 ? config.maxModelLen + 3 : Math.ceil(config.maxModelLen * 0.7));
    const output = between(rng, 1, rng.next() < 0.1 ? config.maxModelLen + 5 : 40);
    const kind = rng.below(3);
    if (kind === 0) return request(id, at, prompt, output);
    if (kind === 1) {
      return request(id, at, prompt, output, { kind: "group", key: `g${rng.below(3)}`, tokens: between(rng, 1, 50) });
    }
    const ids = Array.from({ length: between(rng, 1, 5) }, () => rng.below(2));
    return request(id, at, prompt, output, { kind: "blocks", ids, blockTokens: config.blockSize * between(rng, 1, 3) });
  });
};

export const anyAborts = (rng: Rng, requests: readonly Request[]) =>
  requests.filter(() => rng.next() < 0.2).map(({ id, arrival }) => ({ id, at: instant(arrival + rng.below(20_000)) }));
