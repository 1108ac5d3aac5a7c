import * as z from "zod";
import { headerOf } from "../headers.ts";
import { scorer } from "../scorer.ts";

/** 1 where the pod's label equals the request's header, else 0; 0 for all where the request has none (llm-d-router v0.9). */
export const headerLabelAffinity = scorer({
  name: "header-label-affinity-scorer",
  summary: "prefer endpoints with a label that the request names in a header",
  params: () =>
    z.object({
      headerName: z.string().min(1).meta({ description: "Header of the request." }),
      labelKey: z.string().min(1).meta({ description: "Label of the pod." }),
    }),
  create: ({ headerName, labelKey }) => ({
    blind: true,
    score({ request, endpoints, kept, count }, into) {
      const wanted = headerOf(request, headerName);
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        const has = (endpoints[at] as (typeof endpoints)[number]).labels[labelKey];
        into[at] = wanted !== undefined && has === wanted ? 1 : 0;
      }
    },
  }),
});
