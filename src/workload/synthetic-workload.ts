import * as z from "zod";
import { durationText } from "../model/duration.ts";
import { type ArrivalSaid, arrivals } from "./arrivals/index.ts";
import { CV_MAX } from "./arrivals/weibull.ts";
import { tokenCount } from "./length.ts";
import { type LengthSaid, lengths } from "./lengths/index.ts";
import { retrySchema } from "./retry.ts";
import { shapes } from "./shapes/index.ts";

const inOrder = (said: LengthSaid): boolean => !("min" in said) || said.min <= said.max;

const length = lengths.schema.refine(inOrder, { path: ["min"], error: "must not exceed max" }).meta({
  "x-kubernetes-validations": [
    { rule: "!has(self.min) || !has(self.max) || self.min <= self.max", message: "min must not exceed max" },
  ],
});

const arrival = arrivals.schema
  .refine((said: ArrivalSaid) => said.process !== "weibull" || said.cv <= CV_MAX, {
    path: ["cv"],
    error: `must be at most ${CV_MAX} for weibull`,
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: `self.process != "weibull" || !has(self.cv) || self.cv <= ${CV_MAX}`,
        message: `must be at most ${CV_MAX} for weibull`,
        fieldPath: ".cv",
      },
    ],
  });

const label = (description: string) => z.string().min(1).max(256).optional().meta({ description });

const prefix = z
  .strictObject({
    tokens: tokenCount.meta({ description: "Length of the shared part; comes on top of the drawn prompt." }),
    groups: z.int().min(1).max(1_000_000).default(1).meta({
      description: "How many different prefixes there are; each request has one of them, all equally often.",
    }),
    name: label("Clients that give the same name share their prefixes. Left out: the client's own name."),
    perMember: z.boolean().optional().meta({ description: "Each of `members` or `workers` has prefixes of its own." }),
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
    single: z.boolean().optional().meta({
      description: "Each member has one session in all, which starts when the arrival process first brings one.",
    }),
  })
  .meta({
    description:
      "Closed loop: what the arrival process brings are sessions, and `rate` is theirs; a round waits for the end of the round before. A session whose request fails is over.",
  });

const workers = z
  .strictObject({
    count: z.int().min(1).max(10_000).meta({ description: "How many there are." }),
    thinkTime: durationText.default("0s").meta({
      description: "From the end of a worker's request to its next one; the first ones come staggered over it.",
    }),
  })
  .meta({
    description:
      "Closed loop in place of `rate`: so many workers, each with one request at a time. One whose request failed pauses for a second at least.",
  });

const media = z
  .strictObject({
    kind: z.enum(["image", "audio", "video"]).default("image").meta({ description: "What it is; names it, no more." }),
    share: z.number().min(0).max(1).default(1).meta({ description: "Share of the requests that have any." }),
    count: length
      .default({ distribution: "constant", tokens: 1 })
      .meta({ description: "How many such a request has." }),
    tokens: length.meta({ description: "Embeddings that the encoder turns one into: its tokens in the prompt." }),
    distinct: z.int().min(1).max(1_000_000).optional().meta({
      description:
        "How many different ones there are; the same one is encoded once while it is cached. Left out: each is new.",
    }),
  })
  .meta({ description: "Images and the like. They stand after the shared prefix, on top of the drawn prompt." });

const network = z
  .strictObject({
    rtt: durationText.default("0s").meta({ description: "Round-trip time between client and server." }),
    bandwidthMbps: z
      .number()
      .min(0.001)
      .max(1_000_000)
      .optional()
      .meta({ description: "Of the client, both ways, at 4 bytes per token. Left out: unlimited." }),
  })
  .meta({
    description:
      "The client's way to the server. Requests arrive half a round trip and their upload after they were sent; think times and timeouts are the client's.",
  });

const slo = z
  .strictObject({
    ttft: durationText.optional().meta({ description: "Time to first token." }),
    tpot: durationText.optional().meta({ description: "Time per output token after the first." }),
  })
  .meta({ description: "Targets that the client names in its requests (headers x-llm-d-slo-ttft-ms, …-tpot-ms)." });

const clientFields = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: "must be lower-case letters, digits and dashes" })
    .meta({
      description: "Names the client's random streams: another client's coming or going leaves its draws as they are.",
    }),
  rate: z.number().min(0.000001).max(1_000_000).optional().meta({
    description:
      "Mean requests per second, of all members together, before the pattern; with `session`, mean starts of sessions.",
  }),
  workers: workers.optional(),
  members: z.int().min(1).max(10_000).optional().meta({
    description:
      "So many clients like this one, which share its rate; each has random streams of its own. Left out: 1.",
  }),
  requests: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .meta({ description: "It ends after so many requests, rounds among them. Left out: never." }),
  arrival: arrival.default({ process: "poisson" }).meta({ description: "How its arrivals follow each other." }),
  pattern: z
    .array(shapes.schema)
    .max(8)
    .optional()
    .meta({ description: "How its rate changes over time, on top of the pattern of all." }),
  prompt: length.meta({ description: "Tokens of a prompt, without the shared prefix." }),
  output: length.meta({ description: "Tokens that a request generates." }),
  capOutput: z.boolean().optional().meta({
    description:
      "The client asks for at most what it will get (max_tokens), as load generators that ignore the end-of-sequence token do.",
  }),
  prefix: prefix.optional(),
  media: z.array(media).max(8).optional().meta({ description: "What its prompts hold beside text." }),
  session: session.optional(),
  timeout: durationText.optional().meta({
    description: "How long the client waits for the end of a request before it hangs up. Left out: for ever.",
  }),
  retry: retrySchema.optional(),
  network: network.optional(),
  sloClass: z
    .enum(["critical", "standard", "batch", "sheddable", "background"])
    .optional()
    .meta({ description: "Class of its requests; left out: standard." }),
  slo: slo.optional(),
  tenant: label("Whom it sends for: the fairness id at the gateway."),
  model: label("Model that its requests name."),
  adapter: label("LoRA adapter that its requests name."),
  priority: z
    .int()
    .min(-1_000_000)
    .max(1_000_000)
    .optional()
    .meta({ description: "Priority in the engine (--scheduling-policy priority): lower is sooner." }),
  cacheSalt: label("Keeps the prefix cache of one tenant from others (vLLM `cache_salt`)."),
});

type Fields = z.output<typeof clientFields>;

/** What one field alone can't say, each with the field to blame. */
const CLIENT_RULES: readonly {
  readonly message: string;
  readonly field: keyof Fields;
  readonly cel: string;
  readonly holds: (client: Fields) => boolean;
}[] = [
  {
    message: "exactly one of rate and workers must be set",
    field: "rate",
    cel: "has(self.rate) != has(self.workers)",
    holds: ({ rate, workers }) => (rate === undefined) !== (workers === undefined),
  },
  {
    message: "workers come as they finish: they have no session, members or pattern",
    field: "workers",
    cel: "!has(self.workers) || !has(self.session) && !has(self.members) && !has(self.pattern)",
    holds: ({ workers, session, members, pattern }) =>
      workers === undefined || (session ?? members ?? pattern) === undefined,
  },
];

const client = clientFields
  .superRefine((said, context) => {
    if (context.issues.length > 0) return;
    for (const { holds, message, field } of CLIENT_RULES) {
      if (!holds(said)) context.addIssue({ code: "custom", message, path: [field] });
    }
  })
  .meta({
    "x-kubernetes-validations": CLIENT_RULES.map(({ cel, message, field }) => ({
      rule: cel,
      message,
      fieldPath: `.${field}`,
    })),
  });

const uniqueNames = (clients: readonly { readonly name: string }[]): boolean =>
  new Set(clients.map(({ name }) => name)).size === clients.length;

/** Made-up traffic. Open loop, where arrivals do not wait for completions, but for clients with sessions and workers. */
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
  requests: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .meta({ description: "The traffic ends after so many requests in all, retries not counted. Left out: never." }),
});
export type SyntheticWorkload = z.output<typeof syntheticWorkload>;
export type ClientSaid = SyntheticWorkload["clients"][number];
