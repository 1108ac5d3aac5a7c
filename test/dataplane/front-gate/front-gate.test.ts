import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  FrontGate,
  type FrontGateContext,
  type Fullness,
  type GateEvent,
} from "../../../src/dataplane/front-gate/front-gate.ts";
import { frontGateSchema } from "../../../src/dataplane/front-gate/index.ts";
import type { RequestHead } from "../../../src/model/request.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { instant, micros, NEVER, type SimTime } from "../../../src/sim/time.ts";
import { type Pod, pod } from "../flow-control/driven-gate.ts";

/** A gate, its pods and its clock, set by hand. */
class Bench {
  readonly gate: FrontGate;
  readonly pods: Pod[];
  readonly told: string[] = [];
  now = instant(0);

  constructor(said: object, pods: Pod[] = [pod("pod-0")], context: Partial<FrontGateContext> = {}) {
    this.gate = new FrontGate(frontGateSchema.parse(said), { streams: rngOf(1), ...context });
    this.pods = pods;
  }

  /** Wakes the gate whenever it is due, up to `seconds`. */
  until(seconds: number): this {
    while (this.gate.due < seconds * 1e6) {
      this.now = this.gate.due;
      this.#tell(this.gate.wake(this.pods, this.now));
    }
    this.now = instant(Math.round(seconds * 1e6));
    return this;
  }

  arrive(id: number, some: Partial<RequestHead> = {}): this {
    const head = { id, arrival: this.now, promptTokens: 100, ...some };
    const admitted = { kind: "admitted", head, priority: this.gate.priorityOf(head), waited: micros(0) } as const;
    this.#tell(this.gate.arrive(head, this.pods, this.now) ?? [admitted]);
    return this;
  }

  /** Sets the pods as they are believed to be from now on. */
  believe(...pods: Pod[]): this {
    this.pods.splice(0, this.pods.length, ...pods);
    this.gate.beliefsChanged(this.pods, this.now);
    return this;
  }

  cancel(id: number): boolean {
    return this.gate.cancel(id, this.now);
  }

  get fullness(): Fullness {
    const fullness = this.gate.fullness(this.pods, this.now);
    if (fullness === undefined) throw new Error("flow control is off");
    return fullness;
  }

  band(priority: number): Fullness["bands"][number] | undefined {
    return this.fullness.bands.find((band) => band.priority === priority);
  }

  #tell(events: readonly GateEvent[]): void {
    for (const event of events) this.told.push(lineOf(event, this.now));
  }
}

const lineOf = (event: GateEvent, now: SimTime): string => {
  const at = `${now / 1e6} s`;
  if (event.kind === "revoke") return `${at}: ${event.id} revoked`;
  if (event.kind === "admitted") return `${at}: ${event.head.id} admitted after ${event.waited / 1e6} s`;
  return `${at}: ${event.head.id} ${event.outcome} ${event.status} ${event.reason}`;
};

/** Full by the concurrency detector, or not. */
const full = (inFlight = 1): Pod => pod("pod-0", { inFlight });
const free = (): Pod => pod("pod-0");
const byConcurrency = { type: "concurrency-detector", maxConcurrency: 1 };
const queueing = (flowControl: object = {}) => ({ saturationDetector: byConcurrency, flowControl });

describe("the schema", () => {
  it("has the EPP's defaults where nothing is said", () => {
    expect(frontGateSchema.parse({})).toMatchObject({
      saturationDetector: { type: "utilization-detector", queueDepthThreshold: 5, kvCacheUtilThreshold: 0.8 },
      admission: { type: "gaie-legacy" },
      admitters: [],
    });
    expect(frontGateSchema.parse({ flowControl: {} }).flowControl).toMatchObject({
      maxRequests: 0,
      defaultRequestTTL: "60s",
      enableEviction: false,
      usageLimitPolicy: { type: "static-usage-limit-policy" },
      defaultPriorityBand: {
        orderingPolicy: { type: "fcfs-ordering-policy" },
        fairnessPolicy: { type: "global-strict-fairness-policy" },
      },
    });
  });
  it("can be written as JSON schema", () => {
    expect(JSON.stringify(z.toJSONSchema(frontGateSchema, { io: "input" }))).toContain(
      "soft-reflective-ceiling-policy",
    );
  });
  it.each([
    { flowControl: { priorityBands: [{ priority: 1 }, { priority: 1 }] } },
    { flowControl: { usageLimitPolicy: { type: "priority-holdback-policy" } } },
    { flowControl: { usageLimitPolicy: { type: "priority-holdback-policy", minCeiling: 0.5, maxCeiling: 0.5 } } },
    { flowControl: { defaultRequestTTL: "soon" } },
    { saturationDetector: { type: "concurrency-detector", maxConcurrencies: 3 } },
    { admission: { type: "unheard-of" } },
  ])("refuses %j", (said) => expect(frontGateSchema.safeParse(said).success).toBe(false));
});

describe("without flow control", () => {
  it("admits, or refuses with 429, at once, and is never due", () => {
    const bench = new Bench({}, [pod("pod-0", { waiting: 5 })]);
    bench.arrive(1).arrive(2, { sloClass: "batch" });
    expect(bench.told).toEqual([
      "0 s: 1 admitted after 0 s",
      "0 s: 2 shed 429 system saturated, sheddable request dropped",
    ]);
    expect(bench.gate.due).toBe(NEVER);
    expect(bench.gate.watches).toBe(false);
    expect(bench.gate.readsSignals).toBe(true);
    expect(bench.gate.fullness(bench.pods, bench.now)).toBeUndefined();
  });
  it("goes by InferenceObjectives where told to", () => {
    const bench = new Bench({ priorities: { scheme: "objectives", values: { low: -1 } } }, [
      pod("pod-0", { waiting: 5 }),
    ]);
    bench.arrive(1, { sloClass: "batch" }).arrive(2, { sloClass: "low" });
    expect(bench.told.map((line) => line.slice(5, 12))).toEqual(["1 admit", "2 shed "]);
  });
  it("asks the admitters last, whose refusal is a 500", () => {
    const bench = new Bench({ admission: { type: "always-admit" }, admitters: [{ type: "probabilistic-admitter" }] }, [
      pod("pod-0", { waiting: 4 }),
    ]);
    bench.arrive(1, { sloClass: "batch" }).arrive(2);
    expect(bench.told).toEqual([
      "0 s: 1 shed 500 probabilistic-admitter: saturation 0.800, probability 1.00",
      "0 s: 2 admitted after 0 s",
    ]);
  });
  it("says what it does without", () => {
    expect(new Bench({ admitters: [{ type: "latency-slo-admitter" }] }).gate.notes).toHaveLength(1);
    expect(
      new Bench({ admitters: [{ type: "latency-slo-admitter" }] }, [], { predict: () => undefined }).gate.notes,
    ).toEqual([]);
  });
  it("refuses sheddable requests of a tenant over budget, one too late, as BLIS", () => {
    const bench = new Bench({
      admission: { type: "always-admit" },
      tenantBudgets: { shares: { acme: 0.25 }, slots: 8 },
    });
    const ask = (id: number, some: Partial<RequestHead>): void => {
      bench.arrive(id, some);
      if (bench.told.at(-1)?.includes("admitted") === true) {
        bench.gate.started({ id, arrival: bench.now, promptTokens: 1, ...some }, bench.now);
      }
    };
    for (const id of [1, 2, 3, 4]) ask(id, { tenant: "acme", sloClass: "batch" });
    ask(5, { tenant: "acme" });
    ask(6, { tenant: "other", sloClass: "batch" });
    bench.gate.ended({ id: 1, arrival: bench.now, promptTokens: 1, tenant: "acme" }, 5, bench.now);
    bench.gate.ended({ id: 2, arrival: bench.now, promptTokens: 1, tenant: "acme" }, 5, bench.now);
    ask(7, { tenant: "acme", sloClass: "batch" });
    expect(bench.told.map((line) => line.split(" ")[3])).toEqual([
      "admitted",
      "admitted",
      "admitted",
      "shed",
      "admitted",
      "admitted",
      "admitted",
    ]);
  });
});

describe("the queue", () => {
  it("lets a request through at once while the pool has room", () => {
    const bench = new Bench(queueing());
    bench.arrive(1);
    expect(bench.told).toEqual(["0 s: 1 admitted after 0 s"]);
    expect(bench.gate.watches).toBe(false);
  });
  it("holds it while there is none, and lets one out per millisecond once there is", () => {
    const bench = new Bench(queueing(), [full()]).until(0.0102);
    bench.arrive(1).arrive(2, { sloClass: "critical" }).arrive(3);
    expect(bench.gate.waiting).toBe(3);
    expect(bench.gate.watches).toBe(true);
    // Nothing can happen before it expires.
    expect(bench.gate.due).toBe(61_000_000);
    bench.until(0.0305).believe(free()).until(1);
    expect(bench.told).toEqual([
      "0.031 s: 2 admitted after 0.0208 s",
      "0.032 s: 1 admitted after 0.0218 s",
      "0.033 s: 3 admitted after 0.0228 s",
    ]);
  });
  it("lets one out at each arrival as well", () => {
    const bench = new Bench(queueing(), [full()]).arrive(1).arrive(2).until(0.0001);
    bench.believe(free()).arrive(3);
    expect(bench.told).toEqual(["0.0001 s: 1 admitted after 0.0001 s"]);
  });
  it("blocks lower bands behind a higher one that is blocked", () => {
    const said = queueing({ usageLimitPolicy: { type: "priority-holdback-policy", minCeiling: 0.5 } });
    const detector = { ...byConcurrency, maxConcurrency: 10 };
    const bench = new Bench({ ...said, saturationDetector: detector }, [full(7)]);
    bench.arrive(1, { sloClass: "batch" }).arrive(2).until(0.5);
    // Standard may go up to 1, batch up to 0.5; the first arrival found its band alone.
    expect(bench.told).toEqual(["0 s: 1 admitted after 0 s", "0 s: 2 admitted after 0 s"]);
    bench.arrive(3, { sloClass: "batch" }).until(1).believe(full(4)).until(2);
    expect(bench.told.at(-1)).toBe("1 s: 3 admitted after 0.5 s");
  });
  it("refuses what is too much for a band or for all, with 429, or 503 where there is no pod", () => {
    const said = { defaultPriorityBand: { maxRequests: 2 }, maxBytes: 2000 };
    const bench = new Bench(queueing(said), [full()]);
    bench.arrive(1).arrive(2).arrive(3);
    bench.arrive(4, { sloClass: "batch", promptTokens: 301 }).arrive(5, { sloClass: "batch", promptTokens: 300 });
    expect(bench.told).toEqual(["0 s: 3 shed 429 RejectedCapacity", "0 s: 4 shed 429 RejectedCapacity"]);
    bench.believe().until(0.01).arrive(6);
    expect(bench.told.at(-1)).toBe("0.01 s: 6 shed 503 RejectedNoEndpoints");
    expect(bench.band(3)?.requestsRatio).toBe(1);
    expect(bench.fullness.all).toEqual({ bytesRatio: 1 });
  });
  it("expires whoever has waited for his budget at the next whole second", () => {
    const bench = new Bench(queueing({ defaultRequestTTL: "2s" }), [full()]).until(0.25);
    bench.arrive(1).until(5);
    expect(bench.told).toEqual(["3 s: 1 expired 429 EvictedTTL"]);
    expect(bench.gate.due).toBe(300_000_000);
  });
  it("has another budget while the pool is empty, and a fresh one once it isn't", () => {
    const said = queueing({ defaultRequestTTL: "2s", noEndpointRequestTTL: "10s" });
    const empty = new Bench(said, []).arrive(1).until(20);
    expect(empty.told).toEqual(["10 s: 1 expired 503 EvictedNoEndpoints"]);
    const bench = new Bench(said, []).arrive(1).until(9.5).believe(full()).until(20);
    // From 9.5 s on it may wait 2 s more, up to the sweep at 12 s, which is when its longest time ends, too.
    expect(bench.told).toEqual(["12 s: 1 expired 429 EvictedTTL"]);
  });
  it("holds nobody for longer than the longest budget and two sweeps, whatever the pool does", () => {
    const bench = new Bench(queueing({ defaultRequestTTL: "3s" }), [full()]).until(0.1);
    bench.arrive(1);
    for (let at = 1; at < 9; at += 1) bench.until(at + 0.3).believe(...(at % 2 === 0 ? [full()] : []));
    expect(bench.told).toEqual(["5.1 s: 1 expired 429 EvictedTTL"]);
  });
  it("holds for ever where the budget is 0", () => {
    const bench = new Bench(queueing({ defaultRequestTTL: "0s" }), [full()]).arrive(1);
    expect(bench.gate.due).toBe(300_000_000);
    expect(bench.until(700).gate.waiting).toBe(1);
  });
  it("lets a client go, whose place stays taken until the sweep", () => {
    const bench = new Bench(queueing({ maxRequests: 1 }), [full()]).until(0.5);
    bench.arrive(1);
    expect(bench.cancel(1)).toBe(true);
    expect(bench.cancel(1)).toBe(false);
    expect(bench.gate.waiting).toBe(0);
    bench.arrive(2).until(1.1);
    bench.arrive(3);
    expect(bench.told).toEqual(["0.5 s: 2 shed 429 RejectedCapacity"]);
    expect(bench.gate.waiting).toBe(1);
  });
  it("loses a cycle over a client that is gone", () => {
    const bench = new Bench(queueing(), [full()]).until(0.0005);
    bench.arrive(1).arrive(2);
    bench.cancel(1);
    bench.believe(free()).until(0.1);
    expect(bench.told).toEqual(["0.002 s: 2 admitted after 0.0015 s"]);
  });
  it("drops the newest of the lowest sheddable band where BLIS's queue shedding is on", () => {
    const bench = new Bench(queueing({ maxRequests: 2, queueShedding: true }), [full()]);
    bench.arrive(1, { sloClass: "batch" }).arrive(2, { sloClass: "background" });
    bench.arrive(3).arrive(4, { sloClass: "batch" }).arrive(5).arrive(6);
    expect(bench.told).toEqual([
      "0 s: 2 shed 429 EvictedOther",
      "0 s: 4 shed 429 RejectedCapacity",
      "0 s: 1 shed 429 EvictedOther",
      "0 s: 6 shed 429 RejectedCapacity",
    ]);
  });
  it("shares a band between tenants", () => {
    const fairnessPolicy = { type: "round-robin-fairness-policy" };
    const bench = new Bench(queueing({ defaultPriorityBand: { fairnessPolicy } }), [full()]);
    for (const id of [1, 2, 3]) bench.arrive(id, { tenant: "big" });
    bench.arrive(4, { tenant: "small" }).until(0.5).believe(free()).until(1);
    expect(bench.told.map((line) => line.split(" ")[2])).toEqual(["1", "4", "2", "3"]);
  });
  it("revokes running sheddable requests while a more important one is blocked", () => {
    const detector = { ...byConcurrency, maxConcurrency: 2 };
    const bench = new Bench({ ...queueing({ enableEviction: true }), saturationDetector: detector }, [free()]);
    const heads = [1, 2].map((id) => ({ id, arrival: bench.now, promptTokens: 1, sloClass: "batch" }));
    for (const head of heads) {
      bench.arrive(head.id, head);
      bench.gate.started(head, bench.now);
    }
    bench.believe(full(2)).until(0.0015).arrive(3).until(0.1);
    expect(bench.told.slice(2)).toEqual(["0.0015 s: 2 revoked"]);
    expect(bench.fullness.reclamation).toMatchObject({ pending: 0.5, confirmed: 0 });
    bench.gate.ended(heads[1] as RequestHead, 1, bench.now);
    bench.believe(full(1)).until(1);
    expect(bench.told.slice(3)).toEqual(["0.1 s: 3 admitted after 0.0985 s"]);
    expect(bench.fullness.reclamation).toMatchObject({ issued: new Map([[3, 1]]), confirmed: 1, timedOut: 0 });
  });
  it("forgets flows that were idle for five minutes, and bands that nobody asked for after ten", () => {
    const bench = new Bench(queueing()).until(10).arrive(1, { tenant: "acme" });
    const acme = { fairnessId: "acme", priority: 3 };
    expect(bench.fullness.flows).toContainEqual(acme);
    bench.until(599);
    expect(bench.fullness.flows).toContainEqual(acme);
    bench.until(601);
    expect(bench.fullness.flows).not.toContainEqual(acme);
    expect(bench.band(3)?.requestsRatio).toBe(0);
    bench.until(1201);
    expect(bench.band(3)).toBeUndefined();
    expect(bench.gate.due).toBe(NEVER);
  });
  it("shows how full pool and queue are", () => {
    const bench = new Bench(queueing({ maxRequests: 4 }), [
      full(),
      pod("p", { labels: { "llm-d.ai/role": "prefill" } }),
    ]);
    bench.arrive(1, { tenant: "acme" }).arrive(2);
    expect(bench.fullness).toMatchObject({
      saturation: { decode: 1, prefill: 0, effective: 1 },
      all: { requestsRatio: 0.5 },
    });
    expect(bench.fullness.flows).toEqual([
      { fairnessId: "acme", priority: 3 },
      { fairnessId: "default-flow", priority: 3 },
    ]);
    // This detector doesn't look at the age of signals; the other one does.
    expect(bench.fullness.stale).toBeUndefined();
    const stale = new Bench({ flowControl: {} }, [pod("pod-0", { scrapedAt: undefined }), pod("pod-1")]);
    expect(stale.fullness.stale).toEqual({ detector: "utilization-detector", endpoints: 1 });
  });
});
