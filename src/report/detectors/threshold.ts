import { type Detector, NOTHING } from "../saturation/detector.ts";

/** Mean end-to-end time against a bound. Source: BLIS sim/saturation/threshold.go, inference-sim@20aeadda. */
export const threshold: Detector = {
  name: "threshold",
  summary: "mean end-to-end time against a bound (5 s)",
  judge({ latencies }, { e2eSeconds }) {
    const { count } = latencies;
    if (count === 0) return NOTHING;
    const mean = latencies.meanSeconds(0, count);
    const confidence = 1 - 1 / Math.sqrt(count + 1);
    if (mean < e2eSeconds) return { level: "STABLE", score: (0.5 * mean) / e2eSeconds, confidence };
    const over = (mean - e2eSeconds) / (4 * e2eSeconds);
    return { level: "OVERLOADED", score: 0.75 + Math.min(0.25, over), confidence };
  },
};
