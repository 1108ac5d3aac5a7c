import * as z from "zod";
import { durationText } from "../../model/duration.ts";
import type { Request } from "../../model/request.ts";
import type { Streams } from "../../sim/rng.ts";
import type { SimTime } from "../../sim/time.ts";
import { arrivals } from "../arrivals/index.ts";
import { ClientStream } from "../client-stream.ts";
import { tokenCount } from "../length.ts";
import { type LengthSaid, lengths } from "../lengths/index.ts";
import { type EndedRequest, LiveSessions } from "../live-sessions.ts";
import { RateCurve } from "../rate-curve.ts";
import { shapes } from "../shapes/index.ts";
import type { Drawn, WorkloadSource } from "../source.ts";

const inOrder = (said: LengthSaid): boolean => !("min" in said) || said.min <= said.max;

const length = lengths.schema.refine(inOrder, { path: ["min"], error: "must not exceed max" }).meta({
  "x-kubernetes-validations": [
    { rule: "!has(self.min) || !has(self.max) || self.min <= self.max", message: "min must not exceed max" },
  ],
});

const prefix = z
  .strictObject({
    tokens: tokenCount.meta({ description: "Length of the shared part; comes on top of the drawn prompt." }),
    groups: z.int().min(1).max(1_000_000).default(1).meta({
      description: "How many different prefixes there are; each request has one of them, all equally often.",
    }),
  })
  .meta({ description: "A part that prompts begin with and share, such as a system prompt." });

const session = z
  .strictObject({
    rounds: z.int().min(1).max(1000).meta({ description: "Requests of one session, one after the other." }),
    thinkTime: z
      .strictObject({
        mean: durationText.meta({ description: "Mean of the think time." }),
        deviation: durationText
          .default("0s")
          .meta({ description: "Standard deviation; draws are log-normal. 0s: constant." }),
      })
      .meta({ description: "From the end of a round to the next one's arrival." }),
    contextGrowth: z.enum(["accumulate", "none"]).default("accumulate").meta({
      description:
        "accumulate: a prompt is the whole prompt before it, the output that came, and what `prompt` draws anew. none: what it draws, each time.",
    }),
  })
  .meta({
    description:
      "Closed loop: what the arrival process brings are sessions, and `rate` is theirs; a round waits for the end of the round before. A session whose request fails is over.",
  });

const client = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: "must be lower-case letters, digits and dashes" })
    .meta({
      description: "Names the client's random streams: another client's coming or going leaves its draws as they are.",
    }),
  rate: z
    .number()
    .min(0.000001)
    .max(1_000_000)
    .meta({ description: "Mean requests per second, before the pattern; with `session`, mean starts of sessions." }),
  arrival: arrivals.schema.default({ process: "poisson" }).meta({ description: "How its arrivals follow each other." }),
  prompt: length.meta({ description: "Tokens of a prompt, without the shared prefix." }),
  output: length.meta({ description: "Tokens that a request generates." }),
  prefix: prefix.optional(),
  session: session.optional(),
  timeout: durationText.optional().meta({
    description: "How long the client waits for the end of a request before it hangs up. Left out: for ever.",
  }),
  sloClass: z
    .enum(["critical", "standard", "batch", "sheddable", "background"])
    .optional()
    .meta({ description: "Class of its requests; left out: standard." }),
});

const uniqueNames = (clients: readonly { readonly name: string }[]): boolean =>
  new Set(clients.map(({ name }) => name)).size === clients.length;

/** Made-up traffic. Open loop, where arrivals do not wait for completions, but for clients with sessions. */
export const syntheticWorkload = z.strictObject({
  clients: z
    .array(client)
    .min(1)
    .max(32)
    .refine(uniqueNames, { error: "each client needs a name of its own" })
    .meta({
      description: "Independent kinds of users.",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    }),
  pattern: z
    .array(shapes.schema)
    .max(8)
    .default([])
    .meta({ description: "How all rates change over time; the factors multiply. Empty: they don't." }),
});
export type SyntheticWorkload = z.output<typeof syntheticWorkload>;

/**
 * Merges the clients' requests by time; at one instant, in the order of the clients. Ends when every client's rate has
 * gone to 0 for good, or time to what microseconds can hold. Holds what its sessions under way have still to do, no more.
 */
export const syntheticSource = (said: SyntheticWorkload, streams: Streams): WorkloadSource => {
  const curve = curveOf(said);
  const clients = said.clients.map((one) => new ClientStream(one, curve, streams));
  let ids = 0;
  const freeId = (): number => {
    ids += 1;
    return ids - 1;
  };
  const live = new LiveSessions(freeId);
  return {
    next(): Drawn {
      const first = earliest(clients);
      if (first === undefined) return { kind: "ended" };
      const { request, growth, rounds } = first.take(freeId());
      live.begin(request, growth, rounds);
      return { kind: "request", request };
    },
    ended: (ended: EndedRequest, now: SimTime): Request | undefined => live.ended(ended, now),
  };
};

const earliest = (clients: readonly ClientStream[]): ClientStream | undefined => {
  let first: ClientStream | undefined;
  for (const candidate of clients) {
    if (candidate.next === undefined) continue;
    if (first?.next === undefined || candidate.next < first.next) first = candidate;
  }
  return first;
};

/** @returns requests per second that the expected rate never exceeds; see `RateCurve.peak` for when it is reached */
export const peakRate = (said: SyntheticWorkload): number => totalRate(said) * curveOf(said).peak;

/** @returns expected requests over the first `horizonMicros`, per second; of sessions every round, as if none came later */
export const meanRate = (said: SyntheticWorkload, horizonMicros: number): number =>
  (totalRate(said) * curveOf(said).area(0, horizonMicros)) / horizonMicros;

const totalRate = (said: SyntheticWorkload): number =>
  said.clients.reduce((sum, { rate, session }) => sum + rate * (session?.rounds ?? 1), 0);

const curveOf = (said: SyntheticWorkload): RateCurve =>
  new RateCurve(said.pattern.map((one) => shapes.create(one, {})));
