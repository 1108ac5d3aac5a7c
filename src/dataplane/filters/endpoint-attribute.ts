import * as z from "zod";
import { attributeOf } from "../attributes.ts";
import { filter, keepAll, keepWhere } from "../filter.ts";

const OPERATORS = {
  LessThan: (value: number, limit: number) => value < limit,
  LessThanOrEqual: (value: number, limit: number) => value <= limit,
  GreaterThan: (value: number, limit: number) => value > limit,
  GreaterThanOrEqual: (value: number, limit: number) => value >= limit,
  Equal: (value: number, limit: number) => value === limit,
  NotEqual: (value: number, limit: number) => value !== limit,
} as const;
type Operator = keyof typeof OPERATORS;

/** Those whose attribute is on the right side of a threshold; what the gateway scrapes stands in `attributes.ts` (llm-d-router v0.9). */
export const endpointAttribute = filter({
  name: "endpoint-attribute-filter",
  summary: "keep endpoints whose attribute passes a threshold",
  params: () =>
    z.object({
      attribute: z.string().min(1).meta({ description: "Name of the attribute." }),
      producer: z.string().min(1).optional().meta({ description: "Its extractor." }),
      onMissing: z
        .enum(["Pass", "Fail"])
        .default("Pass")
        .meta({ description: "Where an endpoint has no such attribute." }),
      fallbackOnEmpty: z.boolean().default(false).meta({ description: "Whether all stay where none would." }),
      algorithm: z
        .strictObject({
          type: z.enum(["threshold"]).meta({ description: "The only one." }),
          threshold: z
            .strictObject({
              operator: z
                .enum(Object.keys(OPERATORS) as [Operator, ...Operator[]])
                .meta({ description: "Comparison." }),
              value: z.number().meta({ description: "What is compared with." }),
            })
            .meta({ description: "What must hold." }),
        })
        .meta({ description: "What is looked at." }),
    }),
  create: ({ attribute, onMissing, fallbackOnEmpty, algorithm: { threshold } }) => {
    const passes = OPERATORS[threshold.operator];
    return {
      keep(ask, into) {
        const stay = keepWhere(ask, into, (endpoint) => {
          const value = attributeOf(endpoint, attribute);
          return value === undefined ? onMissing === "Pass" : passes(value, threshold.value);
        });
        return stay === 0 && fallbackOnEmpty ? keepAll(ask, into) : stay;
      },
    };
  },
});
