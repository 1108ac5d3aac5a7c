import * as z from "zod";
import { attributeOf } from "../attributes.ts";
import { scorer } from "../scorer.ts";

/**
 * Linear in a scraped attribute, over a fixed range or that of the candidates that have it (all equal: 1); 0 for those
 * that don't (llm-d-router v0.9). What the gateway scrapes stands in `attributes.ts`; others (dcgm) are had by nobody.
 */
export const endpointAttribute = scorer({
  name: "endpoint-attribute-scorer",
  summary: "prefer low or high values of an attribute, as last scraped",
  params: () =>
    z.object({
      attributeKey: z.string().min(1).meta({ description: "Name of the attribute." }),
      producer: z.string().min(1).optional().meta({ description: "Its extractor." }),
      algorithm: z
        .strictObject({
          type: z.enum(["linear_lower_is_better", "linear_higher_is_better"]).meta({ description: "What is better." }),
          normalization: z
            .strictObject({
              fixedRange: z
                .strictObject({
                  min: z.number().meta({ description: "Its lower end." }),
                  max: z.number().meta({ description: "Its upper end." }),
                })
                .refine(({ min, max }) => min < max, { error: "min must be below max" })
                .optional()
                .meta({ description: "A range of one's own." }),
              adaptiveRange: z.strictObject({}).optional().meta({ description: "The range of the candidates." }),
            })
            .refine(({ fixedRange, adaptiveRange }) => fixedRange === undefined || adaptiveRange === undefined, {
              error: "either fixedRange or adaptiveRange",
            })
            .default({})
            .meta({ description: "What 0 and 1 are." }),
        })
        .meta({ description: "From value to score." }),
    }),
  create: ({ attributeKey, algorithm }) => {
    const { fixedRange } = algorithm.normalization;
    const lower = algorithm.type === "linear_lower_is_better";
    return {
      score(ask, into) {
        const { endpoints, kept, count } = ask;
        let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
        for (let k = 0; k < count; k += 1) {
          const at = kept[k] as number;
          const value = attributeOf(endpoints[at] as (typeof endpoints)[number], attributeKey) ?? Number.NaN;
          into[at] = value;
          if (value < least) least = value;
          if (value > most) most = value;
        }
        if (fixedRange !== undefined) [least, most] = [fixedRange.min, fixedRange.max];
        for (let k = 0; k < count; k += 1) {
          const at = kept[k] as number;
          const share = Math.min(1, Math.max(0, ((into[at] as number) - least) / (most - least)));
          if (Number.isNaN(into[at] as number)) into[at] = 0;
          else into[at] = most === least ? 1 : lower ? 1 - share : share;
        }
      },
    };
  },
});
