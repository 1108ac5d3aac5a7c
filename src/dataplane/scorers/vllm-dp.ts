import * as z from "zod";
import { invertMinMax } from "../columns.ts";
import { scorer } from "../scorer.ts";

/** 4 x waiting + running, turned round between least and most of the candidates: how vLLM's data-parallel coordinator chooses (BLIS, inference-sim@f90a1e3a). */
export const vllmDp = scorer({
  name: "vllm-dp",
  summary: "prefer the least of 4 x waiting + running, as vLLM does among its own ranks (BLIS)",
  params: z.object({}),
  create: () => ({
    score(ask, into) {
      const { endpoints, kept, count } = ask;
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        const { waiting, running } = endpoints[at] as (typeof endpoints)[number];
        into[at] = 4 * waiting + running;
      }
      invertMinMax(ask, into);
    },
  }),
});
