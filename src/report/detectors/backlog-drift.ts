import { type Detector, NOTHING } from "../saturation/detector.ts";

/** Times the noise from which on a backlog clearly rises. */
const CLEARLY = 3;

/** Whether requests in flight pile up. Source: BLIS sim/saturation/backlog_drift.go, inference-sim@0621505e. */
export const backlogDrift: Detector = {
  name: "backlog-drift",
  summary: "slope of the requests in flight, per minute",
  judge({ arrivals, backlogSlope }) {
    if (arrivals === 0) return NOTHING;
    const noise = 1 / Math.sqrt(arrivals);
    const level = backlogSlope <= noise ? "STABLE" : backlogSlope <= CLEARLY * noise ? "BACKLOGGED" : "OVERLOADED";
    const score = Math.min(1, Math.max(0, backlogSlope) / (CLEARLY * noise));
    return { level, score, confidence: Math.min(1, arrivals / 20) };
  },
};
