import { VERSION } from "../../src/model/version.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import { World } from "../../src/twin/world.ts";
import { caseNamed } from "./cases.ts";

/** What a case says of itself; how long its process took, only others can see. */
export interface Told {
  readonly case: string;
  readonly requests: number;
  readonly simulatedSeconds: number;
  /** User and system time of the whole process, which neighbours on the machine disturb less than they do wall time. */
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

/** Runs one case; its figures are those of the process, which does nothing else. */
export const runCase = (name: string): Told => {
  const scenario = caseNamed(name);
  const world = new World(scenario);
  const horizon = scenario.horizonMicros as SimTime;
  world.runUntil(horizon);
  const { kpis } = world.report({ scenarioDigest: scenarioDigest(scenario), version: VERSION }, horizon);
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    case: name,
    requests: kpis.requests.arrived,
    simulatedSeconds: horizon / 1e6,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMiB: maxRSS / 1024,
  };
};
