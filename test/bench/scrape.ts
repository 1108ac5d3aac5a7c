/**
 * How long a scrape of many simulations takes, and how much memory: `npm run bench:scrape -- SIMULATIONS PODS`. Each
 * simulation's families are made before, as a Shadow tells them; a client reads the page over HTTP, in this process. What
 * making the families left behind is collected before.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { metricsPage } from "../../src/exporter/metrics-page.ts";
import type { SimulatedSeries } from "../../src/exporter/simulated.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import { startServer } from "../../src/server/server.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, workload } from "../twin/scenario-fixture.ts";

const [simulations = 200, pods = 2] = process.argv.slice(2).map(Number);

const world = new World(
  scenario({
    workloads: [workload({ replicas: pods })],
    traffic: { kind: "synthetic", synthetic: chat(4 * pods) },
    horizonMicros: 60e6,
  }),
  () => undefined,
);
while (world.next !== undefined) world.step();
const all = Array.from(
  { length: simulations },
  (_, i): SimulatedSeries => ({
    naming: "Prefixed",
    simulation: `inference/chat-${i}`,
    scenario: "baseline",
    labels: {},
    // A copy for each, as each would have its own.
    families: structuredClone(familiesOf(world.view(), 1_700_000_000)),
  }),
);

const server = await startServer(
  {
    version: "0",
    assets: { digest: "", files: {} },
    place: "bench",
    problems: () => [],
    notReady: () => undefined,
    metrics: async (accept) => metricsPage(all, [], accept),
    simulations: () => [],
    simulation: () => undefined,
    sweep: () => undefined,
    failed: (error) => {
      throw error;
    },
  },
  { host: "127.0.0.1", port: 0 },
);
const MEBI = 2 ** 20;
// The first only frees what the second gives back.
for (let pass = 0; pass < 2; pass += 1) {
  globalThis.gc?.();
  await sleep(200);
}
const held = process.memoryUsage().rss;
let most = held;
const watching = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
const [began, cpu] = [performance.now(), process.cpuUsage()];
const answer = await fetch(`${server.url}/metrics`, { headers: { "accept-encoding": "identity" } });
let bytes = 0;
for await (const chunk of answer.body ?? []) bytes += (chunk as Uint8Array).length;
const took = performance.now() - began;
const { user, system } = process.cpuUsage(cpu);
clearInterval(watching);
console.log(
  `${simulations} simulations x ${pods} pods: ${(bytes / 1e6).toFixed(1)} MB in ${(took / 1000).toFixed(2)} s (${((user + system) / 1e6).toFixed(2)} s of CPU, client included); ` +
    `${Math.round(most / MEBI)} MiB resident at most, ${Math.round((most - held) / MEBI)} MiB of them for the scrape`,
);
await server.close();
