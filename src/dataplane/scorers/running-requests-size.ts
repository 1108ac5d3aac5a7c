import * as z from "zod";
import { inverted } from "../columns.ts";
import { scorer } from "../scorer.ts";
import { standingScorer } from "../standing.ts";

/** (max r - r) / (max r - min r) over the candidates, r = running requests as last scraped; 1 where all are equal (llm-d-router v0.9). */
export const runningRequestsSize = scorer({
  name: "running-requests-size-scorer",
  summary: "prefer the fewest running requests, as last scraped",
  params: () => z.object({}),
  create: () => standingScorer(["running"], ({ running }) => running, inverted),
});
