import * as z from "zod";
import { admissions } from "../admissions/index.ts";
import { admitters } from "../admitters/index.ts";
import { detectors } from "../detectors/index.ts";
import { flowControlSchema } from "../flow-control/index.ts";

/** What stands before the scheduler: who may enter, when, and in which order. What the EPP does if nothing is said. */
export const frontGateSchema = z.strictObject({
  priorities: z
    .strictObject({
      scheme: z.enum(["classes", "objectives"]).default("classes").meta({
        description:
          "`classes`: critical 4, standard 3 (and unknown ones), batch -1, sheddable -2, background -3; `objectives`: 0 for all but those listed.",
      }),
      values: z
        .record(z.string().max(253), z.int())
        .default({})
        .meta({ description: "Priority of each class or InferenceObjective; below 0: may be shed." }),
    })
    .prefault({}),
  fairnessId: z.enum(["tenant", "client", "session"]).default("tenant").meta({
    description: "What of a request its clients send as fairness id; without one it belongs to `default-flow`.",
  }),
  saturationDetector: detectors.schema.prefault({ type: "utilization-detector" }),
  admission: admissions.schema
    .prefault({ type: "gaie-legacy" })
    .meta({ description: "Not used where `flowControl` is set, which takes its place." }),
  flowControl: flowControlSchema
    .optional()
    .meta({ description: "Left out: off, as in the EPP without its feature gate." }),
  admitters: z.array(admitters.schema).max(8).default([]),
  tenantBudgets: z
    .strictObject({
      shares: z.record(z.string().max(253), z.number().min(0).max(1)),
      slots: z.int().nonnegative().meta({ description: "Pods × their largest number of running requests." }),
    })
    .optional()
    .meta({
      description: "BLIS: a tenant with more than its share of the slots in flight has its sheddable requests refused.",
    }),
});
export type FrontGateSaid = z.output<typeof frontGateSchema>;
