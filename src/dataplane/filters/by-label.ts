import * as z from "zod";
import { filter, keepWhere } from "../filter.ts";

/** Pods whose label has one of the values, or that have no such label if that is allowed (llm-d-router v0.9; old). */
export const byLabel = filter({
  name: "by-label",
  summary: "keep pods whose label has one of these values",
  params: () =>
    z.object({
      label: z.string().min(1).meta({ description: "Name of the label." }),
      validValues: z.array(z.string()).default([]).meta({ description: "Its values." }),
      allowsNoLabel: z.boolean().default(false).meta({ description: "Whether pods without it stay." }),
    }),
  create: ({ label, validValues, allowsNoLabel }) => {
    const valid = new Set(validValues);
    return {
      blind: true,
      keep: (ask, into) =>
        keepWhere(ask, into, ({ labels }) => {
          const value = labels[label];
          return value === undefined ? allowsNoLabel || valid.has("") : valid.has(value);
        }),
    };
  },
});
