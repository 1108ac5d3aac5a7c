import * as z from "zod";
import { keyedList, type Rule, ruled } from "./rule.ts";

/** Any JSON value; the API server keeps it as it is. */
const anyValue = (description: string) =>
  z.unknown().optional().meta({ description, "x-kubernetes-preserve-unknown-fields": true });

const anyObject = (description: string) =>
  z.record(z.string(), z.unknown()).optional().meta({ description, "x-kubernetes-preserve-unknown-fields": true });

const count = (...values: readonly unknown[]): number => values.filter((value) => value !== undefined).length;

const onePatch: Rule<{ merge?: unknown; json6902?: unknown; replace?: unknown }> = {
  message: "exactly one of merge, json6902 and replace must be set",
  cel: "(has(self.merge) ? 1 : 0) + (has(self.json6902) ? 1 : 0) + (has(self.replace) ? 1 : 0) == 1",
  holds: ({ merge, json6902, replace }) => count(merge, json6902, replace) === 1,
};

export const target = z.lazy(() =>
  z
    .strictObject({
      kind: z.string().min(1).max(63).meta({ description: "Kind of the object, such as HorizontalPodAutoscaler." }),
      name: z.string().min(1).max(253).optional().meta({
        description: "Its name. Left out: the one object of the kind that the simulation mirrors.",
      }),
    })
    .meta({
      description:
        "A mirrored object in the simulation's namespace, or (kind InferenceSimulation) the simulation itself, of which only spec.overrides may change.",
    }),
);

const operation = z.lazy(() =>
  z
    .strictObject({
      op: z.enum(["add", "remove", "replace", "move", "copy", "test"]).meta({ description: "As RFC 6902 has it." }),
      path: z
        .string()
        .max(1024)
        .regex(/^(\/.*)?$/, { error: "must be a JSON pointer such as /spec/maxReplicas" })
        .meta({ description: "JSON pointer." }),
      from: z
        .string()
        .max(1024)
        .regex(/^(\/.*)?$/, { error: "must be a JSON pointer such as /spec/maxReplicas" })
        .optional()
        .meta({ description: "JSON pointer; of move and copy." }),
      value: anyValue("Of add, replace and test."),
    })
    .meta({ description: "One operation of a JSON patch." }),
);

const patch = z.lazy(() =>
  ruled(
    z.strictObject({
      target,
      merge: anyObject("JSON merge patch (RFC 7386): null removes a field, lists are replaced whole."),
      json6902: z.array(operation).min(1).max(100).optional().meta({ description: "JSON patch (RFC 6902)." }),
      replace: anyObject("A whole manifest in place of the object, or beside those that there are."),
    }),
    [onePatch],
  ).meta({ description: "A change of one object." }),
);

const candidate = z.lazy(() =>
  z
    .strictObject({
      name: z
        .string()
        .min(1)
        .max(63)
        .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: "must be lower-case letters, digits and dashes" })
        .refine((name) => name !== "baseline", { error: "baseline is the name of the objects as they are" })
        .meta({ description: "Its name in results and in the label scenario." }),
      patches: z.array(patch).min(1).max(20).meta({ description: "Applied in order." }),
    })
    .meta({
      description: "What if: the mirrored objects with patches, under the same random numbers as the baseline.",
    }),
);
export type Candidate = z.output<typeof candidate>;
export type CandidatePatch = Candidate["patches"][number];

/** `spec.candidates`. */
export const candidates = keyedList(z.array(candidate).max(10), ["name"]).default([]).meta({
  description: "Changes to try, each run beside the baseline.",
});
