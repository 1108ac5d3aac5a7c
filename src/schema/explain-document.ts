import * as z from "zod";
import { list, scalar } from "./json-document.ts";

const source = z
  .discriminatedUnion("kind", [
    z.object({
      kind: z.literal("field"),
      object: z.string().meta({ description: "Kind/namespace/name." }),
      field: z.string(),
    }),
    z.object({ kind: z.literal("override"), field: z.string().meta({ description: "Of the InferenceSimulation." }) }),
    z.object({ kind: z.literal("default"), why: z.string() }),
    z.object({ kind: z.literal("derived"), how: z.string() }),
    z.object({ kind: z.literal("catalogue"), entry: z.string() }),
  ])
  .meta({ id: "Source", description: "Where a value comes from." });

const values = list(z.object({ path: z.string(), value: scalar, from: source }));

/** What `explain -o json` prints. Fields may be added; none of these goes or changes its meaning. */
export const explainDocument = list(
  z.object({
    simulation: z.string().meta({ description: "namespace/name." }),
    values,
    derivation: list(
      z.object({
        source: z.string(),
        fields: list(z.object({ field: z.string(), values: list(z.object({ path: z.string(), value: scalar })) })),
      }),
    ).meta({ description: "The same by where it comes from: objects, their fields, and what became of them." }),
    candidates: list(z.object({ name: z.string(), values }))
      .optional()
      .meta({ description: "Of each, what differs from the simulation's own." }),
    warnings: list(
      z.object({
        severity: z.enum(["error", "warning"]),
        object: z.string().optional(),
        field: z.string().optional(),
        file: z.string().optional(),
        line: z.int().optional(),
        message: z.string(),
        fix: z.string().optional(),
        reason: z.string(),
      }),
    ),
  }),
);
export type ExplainDocument = z.input<typeof explainDocument>;
