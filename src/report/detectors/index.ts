import type { Detector } from "../saturation/detector.ts";
import { backlogDrift } from "./backlog-drift.ts";
import { composite } from "./composite.ts";
import { threshold } from "./threshold.ts";

export const detectors: readonly Detector[] = [composite, threshold, backlogDrift];
export const detectorNames = ["composite", "threshold", "backlog-drift"] as const;
export type DetectorName = (typeof detectorNames)[number];
