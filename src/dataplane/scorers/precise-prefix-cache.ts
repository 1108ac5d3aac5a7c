import * as z from "zod";
import { minMax } from "../columns.ts";
import { scorer } from "../scorer.ts";

/** Cached leading blocks between least and most of the candidates; 1 for all where they are equal, none cached included (BLIS, inference-sim@f90a1e3a). */
export const precisePrefixCache = scorer({
  name: "precise-prefix-cache",
  summary: "prefer endpoints that hold most of the prompt, on the candidates' own scale (BLIS)",
  params: () =>
    z.object({
      prefixMatchInfoProducerName: z
        .string()
        .default("precise-prefix-cache-producer")
        .meta({ description: "Producer of the matches." }),
    }),
  create: ({ prefixMatchInfoProducerName }, { knowledge }) => {
    const prefix = knowledge.prefix(prefixMatchInfoProducerName);
    return {
      blind: true,
      score(ask, into) {
        const { kept, count } = ask;
        const { matched } = prefix;
        for (let k = 0; k < count; k += 1) {
          const at = kept[k] as number;
          into[at] = matched[at] as number;
        }
        minMax(ask, into);
      },
    };
  },
});
