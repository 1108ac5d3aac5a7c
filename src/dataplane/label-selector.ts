import * as z from "zod";
import { meetsRequirement } from "../model/label-requirement.ts";
import { type Filter, keepWhere } from "./filter.ts";

/** A Kubernetes `metav1.LabelSelector`. */
export const selectorParams = () =>
  z.object({
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

/** Keeps pods that the selector matches; an empty one matches all. */
export const keepSelected = ({
  matchLabels = {},
  matchExpressions = [],
}: z.output<ReturnType<typeof selectorParams>>): Filter => {
  const wanted = Object.entries(matchLabels);
  return {
    blind: true,
    keep: (ask, into) =>
      keepWhere(
        ask,
        into,
        ({ labels }) =>
          wanted.every(([key, value]) => labels[key] === value) &&
          matchExpressions.every((expression) => meetsRequirement(labels, expression)),
      ),
  };
};
