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
  const middle = Math.floor(count / 2);
  const first = latencies.mean(0, middle);
  if (first <= 0) return 0;
  if (count >= ENOUGH && !quartersRise(latencies)) return 0;
  return Math.max(0, (latencies.mean(middle, count) - first) / first);
};

/** Quarters of floor(n/4), the rest in the last. */
const quartersRise = (latencies: Completions): boolean => {
  const size = Math.floor(latencies.count / 4);
  const ends = [size, 2 * size, 3 * size, latencies.count];
  const means = ends.map((end, i) => latencies.mean(i * size, end));
  return means.every((mean, i) => i === 0 || mean > (means[i - 1] as number));
};
