import * as z from "zod";
import { type Filter, keepWhere } from "./filter.ts";

/** A Kubernetes `metav1.LabelSelector`. */
export const selectorParams = z.object({
  matchLabels: z.record(z.string(), z.string()).optional().meta({ description: "Labels with their values." }),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().meta({ description: "Name of the label." }),
        operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]).meta({ description: "What it must do." }),
        values: z.array(z.string()).optional().meta({ description: "For In and NotIn." }),
      }),
    )
    .optional()
    .meta({ description: "All of these must hold." }),
});

type Labels = Readonly<Record<string, string>>;
type Expression = NonNullable<z.output<typeof selectorParams>["matchExpressions"]>[number];

const holds = ({ key, operator, values = [] }: Expression, labels: Labels): boolean => {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
};

/** Keeps pods that the selector matches; an empty one matches all. */
export const keepSelected = ({ matchLabels = {}, matchExpressions = [] }: z.output<typeof selectorParams>): Filter => {
  const wanted = Object.entries(matchLabels);
  return {
    blind: true,
    keep: (ask, into) =>
      keepWhere(
        ask,
        into,
        ({ labels }) =>
          wanted.every(([key, value]) => labels[key] === value) &&
          matchExpressions.every((expression) => holds(expression, labels)),
      ),
  };
};
