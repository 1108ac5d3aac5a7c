export { LengthTable } from "./length-table.ts";
export { ObservedSource } from "./observed-source.ts";
export type { LengthHistogram, ObservedClass, ObservedNotes, ObservedStep } from "./observed-step.ts";
export { countOf, pooled } from "./pooled-lengths.ts";
export { candidateNames, detect, seriesNames, type TrafficFamilies, type TrafficMetrics } from "./production.ts";
export { type FoldOptions, type RawSeries, TrafficFold } from "./traffic-fold.ts";
