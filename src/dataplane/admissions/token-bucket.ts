import * as z from "zod";
import { type SimTime, START } from "../../sim/time.ts";
import { admission } from "../admission.ts";

/**
 * A bucket of tokens, full at the start, that refills evenly; a request pays its prompt, or is refused. One that is longer than
 * the bucket never gets in. Source: BLIS, sim/admission.go `TokenBucket`; defaults of its flags.
 */
export const tokenBucket = admission({
  name: "token-bucket",
  summary: "each request pays its prompt tokens from a bucket that refills, as BLIS's `token-bucket`",
  params: () =>
    z.object({
      capacity: z.number().positive().default(10_000).meta({ description: "Most tokens in the bucket." }),
      refillRate: z.number().positive().default(1000).meta({ description: "Tokens per second." }),
    }),
  create: ({ capacity, refillRate }) => {
    let level = capacity;
    let filled: SimTime = START;
    return {
      readsSignals: false,
      refusal({ head }, _endpoints, now) {
        if (now > filled) {
          level = Math.min(capacity, level + ((now - filled) * refillRate) / 1e6);
          filled = now;
        }
        if (level < head.promptTokens) return "insufficient tokens";
        level -= head.promptTokens;
        return undefined;
      },
    };
  },
});
