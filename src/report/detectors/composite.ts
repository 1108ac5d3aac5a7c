import type { Completions } from "../saturation/completions.ts";
import { type Detector, NOTHING } from "../saturation/detector.ts";

/** Completions from which on the quarters must bear the trend out. */
const ENOUGH = 20;

/**
 * Work left over, and a latency that rises through the run: the second half's mean over the first's, vetoed from 20
 * completions on unless the means of all four quarters rise. Both are held against 1/sqrt(arrivals).
 * Source: BLIS sim/saturation/composite.go, computeComposite, inference-sim@ccfa25f6.
 */
export const composite: Detector = {
  name: "composite",
  summary: "work left over, or latency that rises through the run; has no parameters",
  judge({ arrivals, completions, latencies }) {
    if (arrivals === 0) return NOTHING;
    const noise = 1 / Math.sqrt(arrivals);
    const deficit = Math.max(0, 1 - completions / arrivals);
    const trend = latencyTrend(latencies);
    const score = Math.max(deficit, Math.min(trend, 1));
    const level = score < noise ? "STABLE" : trend > noise ? "OVERLOADED" : "BACKLOGGED";
    return { level, score, confidence: Math.min(1, arrivals / 20) };
  },
};

const latencyTrend = (latencies: Completions): number => {
  const { count } = latencies;
  if (count < 2) return 0;
  // Before the halves, which cost more: the first quarter that doesn't rise ends it.
  if (count >= ENOUGH && !quartersRise(latencies)) return 0;
  const middle = Math.floor(count / 2);
  const first = latencies.meanSeconds(0, middle);
  return first <= 0 ? 0 : Math.max(0, (latencies.meanSeconds(middle, count) - first) / first);
};

/** Quarters of floor(n/4), the rest in the last. */
const quartersRise = (latencies: Completions): boolean => {
  const size = Math.floor(latencies.count / 4);
  let before = latencies.meanSeconds(0, size);
  for (let quarter = 1; quarter < 4; quarter += 1) {
    const mean = latencies.meanSeconds(quarter * size, quarter === 3 ? latencies.count : (quarter + 1) * size);
    if (!(mean > before)) return false;
    before = mean;
  }
  return true;
};
