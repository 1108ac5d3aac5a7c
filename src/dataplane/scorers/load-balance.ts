import * as z from "zod";
import { effectiveLoad } from "../effective-load.ts";
import { scorer } from "../scorer.ts";
import { standingScorer } from "../standing.ts";

/** 1 / (1 + effective load) (BLIS, inference-sim@f90a1e3a). */
export const loadBalance = scorer({
  name: "load-balance",
  summary: "prefer the least effective load: waiting, running and in flight (BLIS)",
  params: () => z.object({}),
  create: () => standingScorer(["waiting", "running", "inFlight"], (endpoint) => 1 / (1 + effectiveLoad(endpoint))),
});
