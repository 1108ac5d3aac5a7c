import { describe, expect, it } from "vitest";
import { type FrontGateSaid, frontGateSchema } from "../../src/dataplane/front-gate/index.ts";
import { priorityBy } from "../../src/dataplane/priority.ts";
import type { RequestHead } from "../../src/model/request.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant, micros } from "../../src/sim/time.ts";
import { courseOf, naiveCourseOf, pod, type Script, type Step } from "../dataplane/flow-control/driven-gate.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const SEEDS = Number(process.env["GATE_SEEDS"] ?? 6);
const HORIZON = 5_000_000;
const PRIORITIES = { gold: 7, plain: 0, batch: -1, background: -3 };

const oneOf = <T>(rng: Rng, ...all: readonly T[]): T => all[rng.below(all.length)] as T;

const anyBand = (rng: Rng) => ({
  maxRequests: oneOf(rng, 0, 5, 20),
  maxBytes: oneOf(rng, 0, 20_000),
  orderingPolicy: {
    type: oneOf(rng, "fcfs-ordering-policy", "edf-ordering-policy", "slo-deadline-ordering-policy", "slo-deadline"),
  },
  fairnessPolicy: {
    type: oneOf(rng, "global-strict-fairness-policy", "round-robin-fairness-policy", "program-aware-fairness"),
  },
});

const anySaid = (rng: Rng): FrontGateSaid =>
  frontGateSchema.parse({
    priorities: { scheme: oneOf(rng, "objectives", "objectives", "classes"), values: PRIORITIES },
    saturationDetector: oneOf<object>(
      rng,
      { type: "utilization-detector" },
      { type: "concurrency-detector", maxConcurrency: 1 + rng.below(3) },
      { type: "concurrency-detector", concurrencyMode: "hybrid", maxConcurrency: 4, maxTokenConcurrency: 2000 },
      { type: "never" },
    ),
    flowControl: {
      maxRequests: oneOf(rng, 0, 0, 30),
      maxBytes: oneOf(rng, 0, 0, 60_000),
      defaultRequestTTL: oneOf(rng, "0s", "1s", "2500ms"),
      ...oneOf(rng, {}, { noEndpointRequestTTL: "3s" }, { noEndpointRequestTTL: "0s" }),
      defaultPriorityBand: anyBand(rng),
      ...oneOf(rng, {}, { defaultNegativePriorityBand: anyBand(rng) }),
      priorityBands: oneOf<object[]>(rng, [], [{ priority: 7, ...anyBand(rng) }]),
      usageLimitPolicy: oneOf<object>(
        rng,
        { type: "static-usage-limit-policy" },
        { type: "priority-holdback-policy", minCeiling: 0.4 },
        { type: "priority-holdback-policy", minCeiling: 0, domain: "value", maxCeiling: 0.9 },
        { type: "soft-reflective-ceiling-policy" },
        { type: "interpolated", threshold: 0.5 },
      ),
      enableEviction: rng.below(2) === 0,
    },
  });

/** Some instants lie on the grid of ticks, so that ties happen. */
const anyInstant = (rng: Rng): number => {
  const at = rng.below(HORIZON);
  return rng.below(3) === 0 ? at - (at % oneOf(rng, 1000, 50_000, 1_000_000)) : at;
};

const anyHead = (rng: Rng, id: number, at: number): RequestHead => ({
  id,
  arrival: instant(at),
  promptTokens: 1 + rng.below(1200),
  ...oneOf(rng, {}, { sloClass: oneOf(rng, ...Object.keys(PRIORITIES), "unheard-of") }),
  ...oneOf(rng, {}, { tenant: oneOf(rng, "a", "b", "c", "d") }),
  ...oneOf(rng, {}, { sloTtft: micros(rng.below(2_000_000)) }),
});

/** Arrivals in bursts, scrapes with gaps, pods that come and go until none is left, clients that hang up. */
const anyScript = (rng: Rng): Script => {
  const steps: { at: number; step: Step }[] = [];
  const add = (at: number, step: Step): void => {
    steps.push({ at, step });
  };
  const arrivals = 30 + rng.below(200);
  const burst = anyInstant(rng);
  for (let id = 1; id <= arrivals; id += 1) {
    const at = rng.below(3) === 0 ? Math.min(HORIZON - 1, burst + rng.below(200_000)) : anyInstant(rng);
    add(at, { kind: "arrive", head: anyHead(rng, id, at) });
    if (rng.below(6) === 0) add(Math.min(HORIZON - 1, at + rng.below(3_000_000)), { kind: "cancel", id });
  }
  const roles = oneOf<readonly string[]>(rng, [""], [""], ["prefill", "decode", "both"], ["encode", "decode"]);
  for (let index = 0; index < 1 + rng.below(4); index += 1) {
    const name = `pod-${index}`;
    const role = oneOf(rng, ...roles);
    const labels: Readonly<Record<string, string>> = role === "" ? {} : { "llm-d.ai/role": role };
    const joins = oneOf(rng, 0, anyInstant(rng));
    add(joins, { kind: "join", pod: pod(name, { labels, scrapedAt: undefined }) });
    if (rng.below(2) === 0) add(Math.max(joins, anyInstant(rng)), { kind: "leave", pod: name });
    const phase = rng.below(50_000);
    for (let at = phase; at < HORIZON; at += rng.below(10) === 0 ? 400_000 : 50_000) {
      add(at, { kind: "scrape", pod: name, waiting: rng.below(8), kvUsage: rng.next() });
    }
  }
  return steps.sort((a, b) => a.at - b.at);
};

/** What each request went through, in the order told: `in`, then `out`, `drop` or a cancel that was true; or it waits. */
const historyOf = (lines: readonly string[]) =>
  lines
    .map((line) => line.split(" "))
    .filter(([, what, , cancelled]) => what !== "revoke" && (what !== "cancel" || cancelled === "true"))
    .map(([at, what, id, why]) => ({ at: Number(at), what, id: Number(id), why }));

const headsOf = (script: Script): ReadonlyMap<number, RequestHead> =>
  new Map(script.flatMap(({ step }) => (step.kind === "arrive" ? [[step.head.id, step.head]] : [])));

describe("the gate", () => {
  it("does what a naive one does that ticks each millisecond", () => {
    let [wakes, cycles, lines] = [0, 0, 0];
    forAllSeeds(SEEDS, (rng) => {
      const said = anySaid(rng);
      const script = anyScript(rng);
      const ours = courseOf(said, script, HORIZON);
      const theirs = naiveCourseOf(said, script, HORIZON);
      const apart = theirs.lines.findIndex((line, index) => line !== ours.lines[index]);
      const at = apart < 0 ? theirs.lines.length : apart;
      expect(ours.lines.slice(Math.max(0, at - 3), at + 3)).toEqual(theirs.lines.slice(Math.max(0, at - 3), at + 3));
      [wakes, cycles, lines] = [wakes + ours.wakes, cycles + theirs.wakes, lines + theirs.lines.length];
    });
    expect(lines).toBeGreaterThan(50 * SEEDS);
    // It passes over the ticks at which nothing happens.
    expect(wakes).toBeLessThan(cycles / 4);
  });

  it("lets each request out once, refuses it once, sees its client go once, or still holds it", () =>
    forAllSeeds(2 * SEEDS, (rng) => {
      const script = anyScript(rng);
      const { lines, gate } = courseOf(anySaid(rng), script, HORIZON);
      const waiting = new Set<number>();
      const seen = new Set<number>();
      for (const { what, id } of historyOf(lines)) {
        if (what === "in") {
          if (seen.has(id)) throw new Error(`${id} came twice`);
          waiting.add(id);
          seen.add(id);
        } else if (!waiting.delete(id)) throw new Error(`${id} ${what}, though it doesn't wait`);
      }
      expect(seen.size).toBe(headsOf(script).size);
      expect(gate.waiting).toBe(waiting.size);
    }));

  it("holds no more than it may, in a band and at all", () =>
    forAllSeeds(2 * SEEDS, (rng) => {
      const said = anySaid(rng);
      const script = anyScript(rng);
      const heads = headsOf(script);
      const priorityOf = priorityBy(said.priorities.scheme, said.priorities.values);
      const flowControl = said.flowControl as NonNullable<FrontGateSaid["flowControl"]>;
      const held = new Map<number, { requests: number; bytes: number }>();
      const history = historyOf(courseOf(said, script, HORIZON).lines);
      history.forEach(({ what, id }, index) => {
        const head = heads.get(id) as RequestHead;
        const priority = priorityOf(head);
        const band = held.get(priority) ?? { requests: 0, bytes: 0 };
        held.set(priority, band);
        const next = history[index + 1];
        const by = what === "in" ? 1 : -1;
        band.requests += by;
        band.bytes += by * head.promptTokens * 4;
        if (what === "in" && next?.what === "drop" && next.id === id) return;
        const template =
          priority < 0
            ? (flowControl.defaultNegativePriorityBand ?? flowControl.defaultPriorityBand)
            : flowControl.defaultPriorityBand;
        const limits = flowControl.priorityBands.find((one) => one.priority === priority) ?? template;
        const all = [...held.values()];
        const atMost = (most: number, otherwise: number): number => (most === 0 ? otherwise : most);
        if (band.requests > atMost(limits.maxRequests, 5000)) throw new Error(`${priority} has too many requests`);
        if (band.bytes > atMost(limits.maxBytes, 1e9)) throw new Error(`${priority} has too many bytes`);
        const [requests, bytes] = [
          all.reduce((sum, one) => sum + one.requests, 0),
          all.reduce((sum, one) => sum + one.bytes, 0),
        ];
        if (requests > atMost(flowControl.maxRequests, Infinity)) throw new Error("too many requests in all");
        if (bytes > atMost(flowControl.maxBytes, Infinity)) throw new Error("too many bytes in all");
      });
    }));

  it("lets nobody out while somebody of a higher band waits, and of one flow the first first", () =>
    forAllSeeds(2 * SEEDS, (rng) => {
      const said = anySaid(rng);
      const script = anyScript(rng);
      const heads = headsOf(script);
      const priorityOf = priorityBy(said.priorities.scheme, said.priorities.values);
      const waiting: RequestHead[] = [];
      for (const { what, id } of historyOf(courseOf(said, script, HORIZON).lines)) {
        const head = heads.get(id) as RequestHead;
        if (what === "in") {
          waiting.push(head);
          continue;
        }
        const at = waiting.indexOf(head);
        waiting.splice(at, 1);
        if (what !== "out") continue;
        const priority = priorityOf(head);
        const above = waiting.find((other) => priorityOf(other) > priority);
        if (above !== undefined) throw new Error(`${id} overtook ${above.id}`);
        if (!goesByArrival(said, priority)) continue;
        const before = waiting.slice(0, at).find((other) => sameFlow(other, head) && priorityOf(other) === priority);
        if (before !== undefined) throw new Error(`${id} overtook ${before.id} of its own flow`);
      }
    }));

  it("does the same again", () =>
    forAllSeeds(SEEDS, (rng) => {
      const [said, script] = [anySaid(rng), anyScript(rng)];
      expect(courseOf(said, script, HORIZON).lines).toEqual(courseOf(said, script, HORIZON).lines);
    }));
});

const sameFlow = (a: RequestHead, b: RequestHead): boolean => a.tenant === b.tenant;
const goesByArrival = ({ flowControl }: FrontGateSaid, priority: number): boolean => {
  const said = flowControl as NonNullable<FrontGateSaid["flowControl"]>;
  const template =
    priority < 0 ? (said.defaultNegativePriorityBand ?? said.defaultPriorityBand) : said.defaultPriorityBand;
  const { type } = (said.priorityBands.find((one) => one.priority === priority) ?? template).orderingPolicy;
  return type === "fcfs-ordering-policy" || type === "edf-ordering-policy";
};
