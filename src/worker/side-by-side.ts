import { setImmediate } from "node:timers/promises";
import type { Report } from "../report/report.ts";
import { type SimTime, START } from "../sim/time.ts";
import type { Scenario } from "../twin/scenario.ts";
import { PacedLane } from "./paced-lane.ts";

/** To a thread that compares. */
export interface SideBySideTask {
  /** With a horizon. */
  readonly before: Scenario;
  readonly after: Scenario;
  readonly maxTraceBytes: number;
  /** What there is of the wall clock; the horizon may come earlier. */
  readonly wallSeconds: number;
}

/** Two worlds at one moment. */
export interface SideBySide {
  readonly simulatedSeconds: number;
  readonly before: Seen;
  readonly after: Seen;
}
export type Seen = Pick<Report, "kpis" | "findings">;

/** Simulated time between two looks at the clock. */
const STEP_MICROS = 10e6;

/** Brings both worlds as far as the wall clock lets them, the same way. @throws what is wrong with their trace */
export const runSideBySide = async (task: SideBySideTask): Promise<SideBySide> => {
  const { before, after, maxTraceBytes, wallSeconds } = task;
  const until = performance.now() + wallSeconds * 1000;
  const lanes = [before, after].map((scenario) => new PacedLane(scenario, maxTraceBytes));
  const horizon = before.horizonMicros ?? 0;
  let at: SimTime = START;
  while (at < horizon && performance.now() < until) {
    at = Math.min(horizon, at + STEP_MICROS) as SimTime;
    for (const lane of lanes) await bring(lane, at);
  }
  for (const lane of lanes) lane.stop();
  const [first, second] = lanes.map(({ world }) => ({ kpis: world.progress(at).kpis, ...world.loops(at) }));
  return { simulatedSeconds: at / 1e6, before: first as Seen, after: second as Seen };
};

const bring = async (lane: PacedLane, at: SimTime): Promise<void> => {
  let wrong: unknown;
  const failed = (error: unknown): void => {
    wrong = error;
  };
  // Where it is starved, its trace is being read meanwhile.
  while (lane.advance(at, () => false, failed) < at) {
    await setImmediate();
    if (wrong !== undefined) throw wrong;
  }
};
