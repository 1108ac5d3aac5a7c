import { Gateway } from "../../src/dataplane/gateway.ts";
import { Scheduler } from "../../src/dataplane/scheduler.ts";
import { type SchedulingSaid, schedulingSaid } from "../../src/dataplane/scheduling.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { DEFAULT_SCHEDULING } from "../dataplane/default-scheduling.ts";

/**
 * What a routing decision costs, per replica and scorer, over pools of three sizes: `npm run bench:routing`. Requests
 * come in 50 groups with prefixes of 2000 of 4000 tokens, so that most replicas hold most prefixes after a while, and
 * half as many end as begin within a decision's time. Deciding alone, then with what comes after it: counts in flight
 * and the index of prefixes.
 */
const named = (type: string, params: object = {}) => ({ name: type, plugin: { type, ...params } });

const SCHEDULINGS: readonly { readonly name: string; readonly said: SchedulingSaid; readonly scorers: number }[] = [
  { name: "queue + kv + approx prefix (EPP's default)", said: DEFAULT_SCHEDULING, scorers: 3 },
  {
    name: "queue + kv + precise prefix, speculative",
    scorers: 3,
    said: schedulingSaid.parse({
      scorers: [
        named("queue-scorer"),
        named("kv-cache-utilization-scorer"),
        named("prefix-cache-scorer", { prefixMatchInfoProducerName: "precise-prefix-cache-producer" }),
      ],
      producers: [named("precise-prefix-cache-producer", { speculativeIndexing: true })],
      profiles: [
        {
          name: "default",
          scorers: [
            { ref: "queue-scorer" },
            { ref: "kv-cache-utilization-scorer" },
            { ref: "prefix-cache-scorer", weight: 2 },
          ],
        },
      ],
    }),
  },
  {
    name: "active + tokens + no-hit lru + approx prefix",
    scorers: 4,
    said: schedulingSaid.parse({
      scorers: ["active-request-scorer", "token-load-scorer", "no-hit-lru-scorer", "prefix-cache-scorer"].map((type) =>
        named(type),
      ),
      profiles: [
        {
          name: "default",
          scorers: ["active-request-scorer", "token-load-scorer", "no-hit-lru-scorer", "prefix-cache-scorer"].map(
            (ref) => ({ ref }),
          ),
        },
      ],
    }),
  },
];

const headOf = (id: number): RequestHead => ({
  id,
  arrival: instant(id * 1000),
  promptTokens: 4000,
  prefix: { kind: "group", key: `group-${(id * 7919) % 50}`, tokens: 2000 },
});

const DECISIONS = 20_000;

const pool = (said: SchedulingSaid, replicas: number): Gateway => {
  const gateway = new Gateway(new Scheduler(said, rngOf(1)));
  const rng = rngOf(2).stream("signals");
  for (let i = 0; i < replicas; i += 1) {
    gateway.scraped(gateway.join(`pod-${i}`), instant(0), {
      waiting: rng.below(5),
      running: rng.below(100),
      kvUsage: rng.next(),
      cache: { blockSize: 16, numGpuBlocks: 20_000 },
    });
  }
  return gateway;
};

/** Time of this process alone, whoever else is busy. */
const cpuMillis = (): number => process.cpuUsage().user / 1000;

const run = (gateway: Gateway, from: number): number => {
  const began = cpuMillis();
  for (let id = from; id < from + DECISIONS; id += 1) {
    const at = instant(id * 1000);
    const routed = gateway.place(headOf(id), at);
    if (routed.kind === "routed") gateway.ended(routed.endpoint, { request: { id }, end: at, outputTokens: 100 });
  }
  return cpuMillis() - began;
};

/** The same decisions without anything that comes after them. */
const decide = (scheduler: Scheduler, gateway: Gateway, from: number): number => {
  const heads = Array.from({ length: 100 }, (_, i) => headOf(from + i));
  const began = cpuMillis();
  for (let i = 0; i < DECISIONS; i += 1) {
    const head = heads[i % 100] as RequestHead;
    scheduler.decide(head, gateway.endpoints, instant(from * 1000), gateway.changes);
  }
  return cpuMillis() - began;
};

console.log("scheduling | replicas | us/decision | ns/replica/scorer | with counts and index: us | ns");
for (const { name, said, scorers } of SCHEDULINGS) {
  for (const replicas of [8, 50, 200]) {
    const gateway = pool(said, replicas);
    run(gateway, 0);
    const whole = Math.min(...[1, 2, 3].map((round) => run(gateway, round * DECISIONS)));
    const alone = Math.min(
      ...[4, 5, 6].map((round) => decide(gateway.scheduler as Scheduler, gateway, round * DECISIONS)),
    );
    const figures = [alone, whole].flatMap((ms) => {
      const micros = (ms * 1000) / DECISIONS;
      return [micros.toFixed(2), ((micros * 1000) / replicas / scorers).toFixed(1)];
    });
    console.log([name, replicas, ...figures].join(" | "));
  }
}
