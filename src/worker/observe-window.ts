import type { FoundTraffic, LiveTraffic } from "../twin/scenario.ts";
import { TrafficFold } from "../workload/observed/index.ts";
import { findFamilies, samplesOf } from "./production-series.ts";
import type { PrometheusAccess } from "./prometheus-api.ts";

/** How far before a window a sample still says where its counters stood. */
export const LOOKBACK_SECONDS = 300;
/** How long after a window a scrape may come that tells of its end. */
const SCRAPE_SECONDS = 60;

export interface ObservedWindow extends Pick<LiveTraffic, "selector" | "metrics" | "stepMicros"> {
  /** Unix seconds. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/**
 * Traffic of a past window as production's metrics tell it.
 * @param nowSeconds nothing later is asked for
 * @throws PrometheusError
 */
export const observeWindow = async (
  access: PrometheusAccess,
  { selector, metrics, stepMicros, fromSeconds, toSeconds }: ObservedWindow,
  nowSeconds: number,
): Promise<FoundTraffic> => {
  const stepSeconds = stepMicros / 1e6;
  const found = await findFamilies(access, { selector, metrics }, fromSeconds - LOOKBACK_SECONDS, toSeconds);
  const fold = new TrafficFold({ families: found.families, startSeconds: fromSeconds, stepSeconds });
  const until = Math.min(nowSeconds, toSeconds + SCRAPE_SECONDS);
  for await (const series of samplesOf(access, selector, found, fromSeconds - LOOKBACK_SECONDS, until)) {
    fold.add(series);
  }
  const steps = fold.take(toSeconds);
  return { families: found.families, fromSeconds, toSeconds, steps, notes: fold.notes };
};
