import * as z from "zod";
import { target } from "./candidate.ts";
import { type Rule, ruled } from "./rule.ts";

/** Most values of one parameter. */
export const MAX_VALUES = 10_000;

interface Said {
  readonly values?: readonly unknown[] | undefined;
  readonly range?: { readonly min: number; readonly max: number; readonly step: number } | undefined;
}

/** Not by the API server: CEL has no fields whose items have no type. */
const oneSource: Rule<Said> = {
  message: "exactly one of values and range must be set",
  holds: ({ values, range }) => (values === undefined) !== (range === undefined),
};

const filledRange: Rule<Said> = {
  message: "range holds no value: max is below min",
  field: ["range", "max"],
  fix: "swap min and max",
  cel: "!has(self.range) || self.range.min <= self.range.max",
  holds: ({ range }) => range === undefined || range.min <= range.max,
};

const fewSteps: Rule<Said> = {
  message: `range holds more than ${MAX_VALUES} values`,
  field: ["range", "step"],
  fix: "choose a larger step",
  holds: ({ range }) => range === undefined || (range.max - range.min) / range.step < MAX_VALUES,
};

const parameter = z.lazy(() =>
  ruled(
    z.strictObject({
      target,
      path: z
        .string()
        .max(1024)
        .regex(/^\/.+$/, { error: "must be a JSON pointer such as /spec/maxReplicas" })
        .meta({ description: "JSON pointer to the field, which must be there (but for those of spec.overrides)." }),
      values: z
        .array(z.unknown().meta({ "x-kubernetes-preserve-unknown-fields": true }))
        .min(1)
        .max(100)
        .optional()
        .meta({ description: "What is tried; in order, where they have one." }),
      range: z
        .strictObject({
          min: z.number().min(-1e12).max(1e12).meta({ description: "The first value." }),
          max: z.number().min(-1e12).max(1e12).meta({ description: "No value is above it." }),
          step: z.number().min(1e-6).max(1e12).default(1).meta({ description: "From one value to the next." }),
        })
        .optional()
        .meta({ description: "Numbers at equal distances. Written as text where the field holds text." }),
    }),
    [oneSource, filledRange, fewSteps],
  ).meta({ description: "A field that is varied." }),
);
export type SweepParameter = z.output<typeof parameter>;

const amount = (example: string) =>
  z
    .string()
    .max(16)
    .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|Ki|Mi|Gi)?$/, { error: `must be a quantity such as ${example}` });

const job = z.lazy(() =>
  z
    .strictObject({
      parallelism: z.int().min(1).max(64).default(4).meta({ description: "Most pods at once." }),
      cpu: amount("1 or 500m").default("1").meta({ description: "That a pod requests; it simulates on one core." }),
      memory: amount("1Gi").default("1Gi").meta({ description: "That a pod requests, and may not go beyond." }),
      queueName: z
        .string()
        .max(63)
        .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: "must be the name of a LocalQueue" })
        .optional()
        .meta({ description: "LocalQueue of Kueue (label kueue.x-k8s.io/queue-name) that admits each Job." }),
      suspend: z
        .boolean()
        .default(false)
        .meta({ description: "No pod runs for as long as it is set; with queueName Kueue says when." }),
    })
    .meta({
      description:
        "Run by pods of Indexed Jobs in the simulation's namespace, where the installer permits that; left out: on the operator's threads.",
    }),
);
export type SweepJob = z.output<typeof job>;

/** `spec.sweep`. */
export const sweep = z.lazy(() =>
  z
    .strictObject({
      parameters: z.array(parameter).min(1).max(10).meta({ description: "The fields to vary, all together." }),
      search: z.enum(["Grid", "Random", "Bayesian"]).default("Bayesian").meta({
        description: "Grid: every combination. Random: some of them. Bayesian: some, near those that did well so far.",
      }),
      candidates: z.int().min(1).max(1000).default(50).meta({ description: "Most combinations that are tried." }),
      replications: z.int().min(1).max(81).default(9).meta({
        description:
          "Of the best; all start with one, and of each round only the best third goes on to three times as many.",
      }),
      job: job.optional(),
    })
    .meta({
      description:
        "Search for the cheapest configuration that meets the objectives; run by the operator after the preview, and by `servetwin sweep`.",
    }),
);
export type Sweep = z.output<typeof sweep>;
