import * as z from "zod";
import { inverted } from "../columns.ts";
import { scorer } from "../scorer.ts";
import { standingScorer } from "../standing.ts";

/** 4 x waiting + running, turned round between least and most of the candidates: how vLLM's data-parallel coordinator chooses (BLIS, inference-sim@f90a1e3a). */
export const vllmDp = scorer({
  name: "vllm-dp",
  summary: "prefer the least of 4 x waiting + running, as vLLM does among its own ranks (BLIS)",
  params: () => z.object({}),
  create: () => standingScorer(["waiting", "running"], ({ waiting, running }) => 4 * waiting + running, inverted),
});
