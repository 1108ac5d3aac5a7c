import { VERSION } from "../../src/model/version.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import { World } from "../../src/twin/world.ts";
import type { Measured } from "./main.ts";
import { benchScenario } from "./scenario.ts";

/** One case, in a process of its own: prints its figures as JSON. `8x200k`: 8 replicas, 200 000 requests. */
const name = process.argv[2] ?? "";
const [, replicas, thousands] = /^(\d+)x(\d+)k$/.exec(name) ?? [];
if (replicas === undefined || thousands === undefined) throw new Error(`no case ${name}; write 8x200k`);
const scenario = benchScenario(Number(replicas), Number(thousands) * 1000);

const began = performance.now();
const world = new World(scenario);
const horizon = scenario.horizonMicros as SimTime;
let peak = 0;
for (let steps = 0; world.next !== undefined; steps += 1) {
  world.step();
  if (steps % 100_000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
}
const { kpis } = world.report({ scenarioDigest: scenarioDigest(scenario), version: VERSION }, horizon);
const wallSeconds = (performance.now() - began) / 1000;
peak = Math.max(peak, process.memoryUsage.rss());

const measured: Measured = {
  case: name,
  wallSeconds,
  requests: kpis.requests.arrived,
  requestsPerSecond: kpis.requests.arrived / wallSeconds,
  simulatedSecondsPerSecond: horizon / 1e6 / wallSeconds,
  peakMiB: peak / 2 ** 20,
};
process.stdout.write(JSON.stringify(measured));
