import { frontGateSchema } from "../../src/dataplane/front-gate/index.ts";
import { schedulingSaid } from "../../src/dataplane/scheduling.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { benchScenario } from "./scenario.ts";

/**
 * A whole pool behind an endpoint picker that knows caches precisely: `npm run bench:pool [-- REPLICAS RATE SECONDS]`.
 * Prompts of 1024 shared tokens in 400 groups and 256 of their own, 128 tokens out; scores by queue, KV usage and prefix.
 */
const [replicas = 200, rate = 2000, simulated = 60] = process.argv.slice(2).map(Number);

const scorer = (type: string, params: object = {}) => ({ name: type, plugin: { type, ...params } });
const base = benchScenario(replicas, rate * simulated);
const scenario: Scenario = {
  ...base,
  horizonMicros: simulated * 1e6,
  gateway: {
    kind: "epp",
    namespace: "bench",
    pool: "qwen",
    scheduling: schedulingSaid.parse({
      producers: [scorer("precise-prefix-cache-producer")],
      scorers: [
        scorer("queue-scorer"),
        scorer("kv-cache-utilization-scorer"),
        scorer("prefix-cache-scorer", { prefixMatchInfoProducerName: "precise-prefix-cache-producer" }),
      ],
      profiles: [
        {
          name: "default",
          scorers: [
            { ref: "queue-scorer", weight: 1 },
            { ref: "kv-cache-utilization-scorer", weight: 1 },
            { ref: "prefix-cache-scorer", weight: 2 },
          ],
        },
      ],
      kvEventDelayMicros: 50_000,
    }),
    gate: frontGateSchema.parse({}),
    scrapeIntervalMicros: 50_000,
    stalenessMicros: 2_000_000,
    kvTransfer: { gigabytesPerSecond: 25, latencyMicros: 50, contention: true, failureRatio: 0 },
  },
  traffic: {
    kind: "synthetic",
    synthetic: {
      clients: [
        {
          name: "chat",
          rate,
          arrival: { process: "poisson" },
          prompt: { distribution: "constant", tokens: 256 },
          output: { distribution: "constant", tokens: 128 },
          prefix: { tokens: 1024, groups: 400 },
        },
      ],
      pattern: [],
    },
  },
};

const world = new World(scenario);
const [began, cpu] = [performance.now(), process.cpuUsage()];
while (world.next !== undefined) world.step();
const wall = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpu);
const { kpis } = world.report({ scenarioDigest: "", version: "" });
console.log(
  `${replicas} replicas, ${kpis.requests.arrived} requests in ${simulated} simulated s: ${wall.toFixed(1)} s of wall time, ` +
    `${((user + system) / 1e6).toFixed(1)} s of CPU: ${(simulated / wall).toFixed(1)} times faster than real time; ` +
    `hits ${(100 * kpis.prefixCacheHitRatio).toFixed(0)} %, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
);
