import * as z from "zod";
import { deciders } from "./deciders/index.ts";
import { filters } from "./filters/index.ts";
import { handlers } from "./handlers/index.ts";
import { pickers } from "./pickers/index.ts";
import { producers } from "./producers/index.ts";
import { scorers } from "./scorers/index.ts";

const named = <Plugin extends z.ZodType>(plugin: Plugin) =>
  z.array(
    z.strictObject({
      name: z.string().min(1).meta({ description: "What others call it by." }),
      plugin: plugin.meta({ description: "Its type and parameters." }),
    }),
  );

/**
 * How an endpoint picker schedules, as plain data: plugins by kind and name, and the profiles that use them. A plugin
 * that is both filter and scorer (`context-length-aware`) stands in both lists under one name.
 */
export const schedulingSaid = z.strictObject({
  filters: named(filters.schema).default([]),
  scorers: named(scorers.schema).default([]),
  pickers: named(pickers.schema).default([]),
  deciders: named(deciders.schema).default([]),
  producers: named(producers.schema).default([]),
  profiles: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        /** In order. */
        filters: z.array(z.string()).default([]),
        scorers: z.array(z.strictObject({ ref: z.string(), weight: z.number().default(1) })).default([]),
        /** Left out: the highest score. */
        picker: z.string().optional(),
      }),
    )
    .min(1),
  handler: handlers.schema.default({ type: "single-profile-handler" }),
  /** From an engine's KV event to the router. */
  kvEventDelayMicros: z.int().min(0).default(0),
});
export type SchedulingSaid = z.output<typeof schedulingSaid>;
