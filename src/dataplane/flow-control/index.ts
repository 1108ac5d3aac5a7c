import * as z from "zod";
import { durationText } from "../../model/duration.ts";
import { fairnesses } from "./fairnesses/index.ts";
import { orderings } from "./orderings/index.ts";
import { usageLimits } from "./usage-limits/index.ts";

const band = {
  maxRequests: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ description: "Most requests that wait in the band; 0 stands for 5000, as in the EPP." }),
  maxBytes: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ description: "Most bytes of their bodies; 0 stands for 1 GB, as in the EPP." }),
  orderingPolicy: orderings.schema.prefault({ type: "fcfs-ordering-policy" }),
  fairnessPolicy: fairnesses.schema.prefault({ type: "global-strict-fairness-policy" }),
};

const bandTemplate = z.strictObject(band);
const priorityBand = z.strictObject({ priority: z.int().meta({ description: "More is more important." }), ...band });

/**
 * `flowControl` of an EndpointPickerConfig, with policies in place of references to them and plain numbers in place of
 * Kubernetes quantities. Source of names and defaults: llm-d-router (August 2026), apix/config/v1alpha1 and pkg/epp/flowcontrol.
 */
export const flowControlSchema = z
  .strictObject({
    maxRequests: z
      .int()
      .nonnegative()
      .default(0)
      .meta({ description: "Most requests that wait in all bands; 0: any." }),
    maxBytes: z.int().nonnegative().default(0).meta({ description: "Most bytes of their bodies; 0: any." }),
    defaultRequestTTL: durationText.default("60s").meta({ description: "How long a request may wait; 0s: for ever." }),
    noEndpointRequestTTL: durationText
      .optional()
      .meta({ description: "The same while the pool is empty; left out: `defaultRequestTTL`." }),
    defaultPriorityBand: bandTemplate.prefault({}),
    defaultNegativePriorityBand: bandTemplate
      .optional()
      .meta({ description: "For priorities below 0; left out: `defaultPriorityBand`." }),
    priorityBands: z.array(priorityBand).max(64).default([]),
    usageLimitPolicy: usageLimits.schema.prefault({ type: "static-usage-limit-policy" }),
    enableEviction: z
      .boolean()
      .default(false)
      .meta({ description: "Revoke running sheddable requests while a more important one is blocked." }),
    queueShedding: z.boolean().default(false).meta({
      description: "BLIS: where the queue is full as a whole, drop the newest of the lowest sheddable band instead.",
    }),
  })
  .superRefine(({ priorityBands, usageLimitPolicy }, context) => {
    const seen = new Set<number>();
    priorityBands.forEach(({ priority }, index) => {
      if (seen.has(priority)) {
        context.addIssue({
          code: "custom",
          path: ["priorityBands", index, "priority"],
          message: `${priority} has a band already`,
        });
      }
      seen.add(priority);
    });
    if (
      usageLimitPolicy.type === "priority-holdback-policy" &&
      usageLimitPolicy.minCeiling >= usageLimitPolicy.maxCeiling
    ) {
      context.addIssue({
        code: "custom",
        path: ["usageLimitPolicy", "minCeiling"],
        message: "must be less than maxCeiling",
      });
    }
  });
export type FlowControlSaid = z.output<typeof flowControlSchema>;
export type BandSaid = z.output<typeof bandTemplate>;
