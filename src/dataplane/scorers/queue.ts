import * as z from "zod";
import { inverted } from "../columns.ts";
import { scorer } from "../scorer.ts";
import { standingScorer } from "../standing.ts";

/** (max q - q) / (max q - min q) over the candidates, q = waiting requests as last scraped; 1 where all are equal (llm-d-router v0.9). */
export const queue = scorer({
  name: "queue-scorer",
  summary: "prefer the shortest waiting queue, as last scraped",
  params: () => z.object({}),
  create: () => standingScorer(["waiting"], ({ waiting }) => waiting, inverted),
});
