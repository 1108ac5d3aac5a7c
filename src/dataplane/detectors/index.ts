import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { concurrencyDetector } from "./concurrency-detector.ts";
import { never } from "./never.ts";
import { utilizationDetector } from "./utilization-detector.ts";

/** How the gateway says that a pool is full. */
export const detectors = registry("type", [utilizationDetector, concurrencyDetector, never]);
export type DetectorSaid = z.output<typeof detectors.schema>;
