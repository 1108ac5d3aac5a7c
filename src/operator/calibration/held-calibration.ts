import type { Problem } from "../../model/problem.ts";
import type { Found } from "./found.ts";

/** How it stands with one simulation's calibration. */
export interface HeldCalibration {
  /** Of what is to be fitted: the engine, and whose series. */
  readonly inputDigest: string;
  /** What is simulated with; of a Shadow perhaps fitted before the mirrored objects changed. */
  found?: Found;
  /** Why the last attempt found nothing. */
  problem?: Problem;
  running?: AbortController;
  /** Unix milliseconds at which it is fitted next. */
  dueMillis: number;
  /** Nothing is simulated before it is fitted. */
  awaited: boolean;
}
