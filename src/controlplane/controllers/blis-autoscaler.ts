import * as z from "zod";
import { durationOf, durationText } from "../../model/duration.ts";
import { BlisAutoscaler } from "../blis-autoscaler/blis-autoscaler.ts";
import { controller } from "../controller.ts";
import { gpus, kvCacheThreshold, scaleDownBoundary, scaleUpThreshold } from "./shared-params.ts";

const window = (what: string) =>
  durationText.default("0s").meta({ description: `How long a wish for ${what} has to be there at every tick.` });

const params = () =>
  z.object({
    interval: durationText.default("30s").meta({ description: "interval_us: from tick to tick." }),
    kvCacheThreshold: kvCacheThreshold.default(0.8),
    scaleUpThreshold: scaleUpThreshold.default(0.8),
    scaleDownBoundary: scaleDownBoundary.default(0.4),
    avgInputTokens: z
      .number()
      .min(0.000001)
      .max(10_000_000)
      .default(512)
      .meta({ description: "avg_input_tokens: what a waiting request counts as." }),
    scaleUpWindow: window("more"),
    scaleDownWindow: window("fewer"),
    scrapeDelay: z
      .strictObject({
        mean: durationText.default("0s").meta({ description: "Its mean." }),
        deviation: durationText.default("0s").meta({ description: "Standard deviation of a normal; below 0 it is 0." }),
      })
      .optional()
      .meta({ description: "hpa_scrape_delay: from a decision to its effect. Left out: none." }),
    gpus,
  });

/** The reference simulator's own autoscaler: for comparison with it. Engine and actuator are BLIS's defaults. */
export const blisAutoscaler = controller({
  name: "blis-autoscaler",
  summary:
    "the reference simulator's own, which looks into the engines; with gpus its greedy engine, else the unlimited one",
  params,
  create: ({ interval, scaleUpWindow, scaleDownWindow, scrapeDelay, ...said }, { name, targets, engines, rng }) => [
    new BlisAutoscaler(
      `BlisAutoscaler/${name}`,
      targets,
      {
        ...said,
        intervalMicros: durationOf(interval),
        scaleUpWindowMicros: durationOf(scaleUpWindow),
        scaleDownWindowMicros: durationOf(scaleDownWindow),
        delay: {
          meanMicros: durationOf(scrapeDelay?.mean ?? "0s"),
          deviationMicros: durationOf(scrapeDelay?.deviation ?? "0s"),
        },
      },
      engines,
      rng,
    ),
  ],
});
