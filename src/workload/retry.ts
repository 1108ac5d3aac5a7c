import * as z from "zod";
import { durationOf, durationText } from "../model/duration.ts";
import type { Outcome } from "../model/request.ts";
import type { Rng } from "../sim/rng.ts";

/** Ends that a client may try again after. Not `rejected`: HTTP 400 says that it would end the same way. */
export const RETRIED = [
  "overloaded",
  "shed",
  "unroutable",
  "aborted",
  "timed-out",
] as const satisfies readonly Outcome[];

/**
 * What a client does about a failed request: exponential back-off with jitter, as client libraries have it
 * (openai-python 1.x: 2 retries from 0.5 s, doubling, up to 25 % less; the AWS SDKs: "full jitter").
 */
export const retrySchema = z
  .strictObject({
    attempts: z.int().min(2).max(20).default(3).meta({ description: "Tries in all, the first one among them." }),
    base: durationText.default("1s").meta({ description: "Wait before the second try." }),
    factor: z.number().min(1).max(100).default(2).meta({ description: "How much longer each wait is than the last." }),
    jitter: z.number().min(0).max(1).default(1).meta({
      description: "Share of a wait that is drawn: a wait w is uniform in [(1 - jitter) w, w].",
    }),
    after: z
      .array(z.enum(RETRIED))
      .min(1)
      .max(RETRIED.length)
      .default([...RETRIED])
      .meta({ description: "Ends that are tried again after; what is refused as wrong (HTTP 400) never is." }),
  })
  .meta({ description: "Failed requests are sent again. Left out: they are not." });
export type RetrySaid = z.output<typeof retrySchema>;

/** @param attempt the one that failed, from 1 on @returns how long its client waits; undefined: it gives up */
export const retryWaitMicros = (
  { attempts, base, factor, jitter, after }: RetrySaid,
  outcome: Outcome,
  attempt: number,
  rng: Rng,
): number | undefined => {
  if (attempt >= attempts || !(after as readonly Outcome[]).includes(outcome)) return undefined;
  return Math.round(durationOf(base) * factor ** (attempt - 1) * (1 - jitter * rng.next()));
};
