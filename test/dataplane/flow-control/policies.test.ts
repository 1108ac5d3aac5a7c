import { describe, expect, it } from "vitest";
import type { FlowView } from "../../../src/dataplane/flow-control/fairness.ts";
import { type FairnessSaid, fairnesses } from "../../../src/dataplane/flow-control/fairnesses/index.ts";
import { IndexedHeap } from "../../../src/dataplane/flow-control/indexed-heap.ts";
import { type OrderingSaid, orderings } from "../../../src/dataplane/flow-control/orderings/index.ts";
import { type UsageLimitSaid, usageLimits } from "../../../src/dataplane/flow-control/usage-limits/index.ts";
import type { Rng } from "../../../src/sim/rng.ts";
import { instant, micros, NEVER } from "../../../src/sim/time.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";

describe("a heap whose members can leave", () => {
  it("gives the least of those that are left", () =>
    forAllSeeds(10, (rng) => {
      const heap = new IndexedHeap<{ slot: number; rank: number; id: number }>((a, b) =>
        a.rank === b.rank ? a.id < b.id : a.rank < b.rank,
      );
      const left: { slot: number; rank: number; id: number }[] = [];
      for (let id = 0; id < 120; id += 1) {
        const some = left[rng.below(Math.max(1, left.length))];
        const what = rng.below(4);
        if (what < 2 || some === undefined) {
          const member = { slot: -1, rank: rng.below(20), id };
          heap.push(member);
          left.push(member);
        } else if (what === 2) {
          heap.remove(some);
          left.splice(left.indexOf(some), 1);
          expect(heap.has(some)).toBe(false);
        } else {
          some.rank = rng.below(20);
          heap.moved(some);
        }
        const least = [...left].sort((a, b) => a.rank - b.rank || a.id - b.id)[0];
        expect(heap.first).toBe(least);
        expect(heap.size).toBe(left.length);
      }
    }));
});

describe("orderings", () => {
  /** How each may be said; a new one needs a line here, or this file doesn't compile. */
  const said: { readonly [Type in OrderingSaid["type"]]: object } = {
    "fcfs-ordering-policy": {},
    "edf-ordering-policy": {},
    "slo-deadline-ordering-policy": {},
    fifo: {},
    priority: {},
    "slo-deadline": { classTargets: { critical: "300ms" } },
  };
  const heads = {
    plain: { id: 1, arrival: instant(50), promptTokens: 1 },
    target: { id: 2, arrival: instant(60), promptTokens: 1, sloTtft: micros(500) },
    classed: { id: 3, arrival: instant(70), promptTokens: 1, sloClass: "critical" },
  };
  it("goes through every ordering", () => {
    expect(Object.keys(said).sort()).toEqual(orderings.all.map(({ name }) => name).sort());
  });
  const ENQUEUED = instant(100);
  const far = NEVER as number;
  it.each([
    { type: "fcfs-ordering-policy", ttl: 1000, keys: [100, 100, 100] },
    { type: "fifo", ttl: 1000, keys: [100, 100, 100] },
    { type: "priority", ttl: 1000, keys: [100, 100, 100] },
    { type: "edf-ordering-policy", ttl: 1000, keys: [1100, 1100, 1100] },
    { type: "edf-ordering-policy", ttl: 0, keys: [far, far, far] },
    { type: "slo-deadline-ordering-policy", ttl: 1000, keys: [far, 560, far] },
    { type: "slo-deadline", ttl: 1000, keys: [far, 600, 300_100] },
  ] as const)("$type with a budget of $ttl us", ({ type, ttl, keys }) => {
    const policy = orderings.create(orderings.schema.parse({ type, ...said[type] }), {});
    expect(Object.values(heads).map((head) => policy.key(head, ENQUEUED, micros(ttl)))).toEqual(keys);
  });
});

describe("fairness", () => {
  /** How each may be said; a new one needs a line here, or this file doesn't compile. */
  const said: { readonly [Type in FairnessSaid["type"]]: readonly object[] } = {
    "global-strict-fairness-policy": [{}],
    "round-robin-fairness-policy": [{}],
    "program-aware-fairness": [{}, { lasHalfLifeSeconds: 0, lasWeightHeadWait: 0, evictionTtlSeconds: 1 }],
  };
  const create = (one: object) => fairnesses.create(fairnesses.schema.parse(one), {});
  interface TestFlow extends FlowView {
    head: FlowView["head"];
  }
  let order = 0;
  const waitingSince = (at: number): NonNullable<FlowView["head"]> => {
    order += 1;
    return { head: { id: order, arrival: instant(at), promptTokens: 1 }, enqueuedAt: instant(at), key: at, order };
  };
  const flow = (id: string, at: number): TestFlow => ({ id, head: waitingSince(at), slot: -1 });

  it("goes through every policy", () => {
    expect(Object.keys(said).sort()).toEqual(fairnesses.all.map(({ name }) => name).sort());
  });

  const everyOne = Object.entries(said).flatMap(([type, all]) => all.map((params) => ({ type, ...params })));
  it.each(everyOne)("$type picks a flow where somebody waits, if there is one, and each in his turn", (one) =>
    forAllSeeds(10, (rng: Rng) => {
      const policy = create(one);
      const picker = policy.band();
      const flows = ["c", "a", "d", "b"].map((id) => flow(id, rng.below(1000)));
      for (const each of flows) picker.changed(each);
      const waits = new Map(flows.map(({ id }) => [id, 0]));
      for (let round = 1; round <= 60; round += 1) {
        const now = instant(1000 + round * 1000);
        const picked = picker.pick(now);
        if (flows.every(({ head }) => head === undefined)) expect(picked).toBeUndefined();
        else expect(picked?.head).toBeDefined();
        for (const each of flows) {
          if (each !== picked && each.head !== undefined) waits.set(each.id, (waits.get(each.id) as number) + 1);
          else waits.set(each.id, 0);
          if (each.head === undefined ? rng.below(3) === 0 : each === picked) {
            each.head = rng.below(4) === 0 ? undefined : waitingSince(now);
            picker.changed(each);
          }
        }
        if (picked !== undefined) {
          policy.started?.(picked.id, now);
          policy.ended?.(picked.id, 10, 10, now);
        }
        // Whoever was served much before may have to wait for long.
        if (one.type !== "program-aware-fairness") expect(Math.max(...waits.values())).toBeLessThan(flows.length);
      }
    }),
  );

  it("round robin goes by the ids, passes over the idle, and begins anew after a round without anybody", () => {
    const picker = create({ type: "round-robin-fairness-policy" }).band();
    const [a, b, c] = ["a", "b", "c"].map((id) => flow(id, 0)) as [TestFlow, TestFlow, TestFlow];
    for (const each of [c, a, b]) picker.changed(each);
    const pick = () => picker.pick(instant(0))?.id;
    expect([pick(), pick(), pick(), pick()]).toEqual(["a", "b", "c", "a"]);
    b.head = undefined;
    picker.changed(b);
    expect(pick()).toBe("c");
    for (const each of [a, c]) {
      each.head = undefined;
      picker.changed(each);
    }
    expect(picker.restless).toBe(true);
    expect(pick()).toBeUndefined();
    expect(picker.restless).toBe(false);
    for (const each of [a, b, c]) {
      each.head = waitingSince(1);
      picker.changed(each);
    }
    expect([pick(), pick()]).toEqual(["a", "b"]);
    picker.forget("b");
    expect(pick()).toBe("a");
  });

  it("program-aware: whoever was served least goes first, until his service is forgotten", () => {
    const policy = create({ type: "program-aware-fairness", lasWeightHeadWait: 0 });
    const picker = policy.band();
    const [a, b] = [flow("a", 0), flow("b", 0)];
    picker.changed(a);
    picker.changed(b);
    const at = (seconds: number) => instant(seconds * 1e6);
    policy.started?.("a", at(0));
    policy.ended?.("a", 100, 450, at(0)); // 1000
    expect(picker.pick(at(0))).toBe(b);
    policy.started?.("b", at(120));
    policy.ended?.("b", 251, 0, at(120)); // a has decayed to 250
    expect(picker.pick(at(120))).toBe(a);
    policy.ended?.("a", 2, 0, at(120));
    expect(picker.pick(at(120))).toBe(b);
  });

  it("program-aware: forgets a program that ended its last request long before a sweep, not one that has some running", () => {
    const policy = create({
      type: "program-aware-fairness",
      lasHalfLifeSeconds: 0,
      lasWeightHeadWait: 0,
      evictionTtlSeconds: 10,
      evictionSweepSeconds: 4,
    });
    const picker = policy.band();
    const [a, b] = [flow("a", 0), flow("b", 0)];
    picker.changed(a);
    picker.changed(b);
    const at = (seconds: number) => instant(seconds * 1e6);
    for (const [id, tokens] of [
      ["a", 100],
      ["b", 50],
    ] as const) {
      policy.started?.(id, at(0));
      policy.ended?.(id, tokens, 0, at(1));
    }
    policy.started?.("b", at(1));
    // The sweep at 8 s finds both too young, that at 12 s takes a, whose last request ended 11 s before.
    expect(picker.pick(at(11.9))).toBe(b);
    expect(picker.pick(at(12))).toBe(a);
  });

  it("program-aware: a long wait of the head counts for a fifth", () => {
    const policy = create({ type: "program-aware-fairness" });
    const picker = policy.band();
    const [a, b, c] = [flow("a", 0), flow("b", 4000), flow("c", 10_000)];
    for (const each of [a, b, c]) picker.changed(each);
    // Nobody was served: 0.4 for all, and the wait decides.
    expect(picker.pick(instant(20_000))).toBe(a);
    policy.ended?.("a", 100, 0, instant(20_000));
    policy.ended?.("b", 10, 0, instant(20_000));
    // a: 0 + 0.2; b: 0.72 + 0.12; c: 0.8 + 0.
    expect(picker.pick(instant(20_000))).toBe(b);
  });
});

describe("usage limits", () => {
  /** How each may be said; a new one needs a line here, or this file doesn't compile. */
  const said: { readonly [Type in UsageLimitSaid["type"]]: readonly object[] } = {
    "static-usage-limit-policy": [{}],
    "priority-holdback-policy": [{ minCeiling: 0.4 }, { minCeiling: 0, domain: "value", maxCeiling: 0.8 }],
    "soft-reflective-ceiling-policy": [{}],
    interpolated: [{ threshold: 0.25 }],
  };
  const create = (one: object) => usageLimits.create(usageLimits.schema.parse(one), {});
  const limit = (one: object, saturation: number, priorities: readonly number[]): number[] => {
    const ceilings: number[] = [];
    create(one).limit(saturation, priorities, ceilings);
    return ceilings;
  };

  it("goes through every policy", () => {
    expect(Object.keys(said).sort()).toEqual(usageLimits.all.map(({ name }) => name).sort());
  });

  const everyOne = Object.entries(said).flatMap(([type, all]) => all.map((params) => ({ type, ...params })));
  describe.each(everyOne)("$type", (one) => {
    const anyPriorities = (rng: Rng): number[] =>
      [...new Set(Array.from({ length: 1 + rng.below(6) }, () => rng.below(20) - 10))].sort((a, b) => b - a);

    it("lowers ceilings from band to band, within 0 and 1", () =>
      forAllSeeds(15, (rng) => {
        const priorities = anyPriorities(rng);
        const policy = create(one);
        for (let cycle = 0; cycle < 20; cycle += 1) {
          const ceilings: number[] = [];
          policy.limit(rng.next() * 1.3, priorities, ceilings);
          expect(ceilings).toHaveLength(priorities.length);
          ceilings.forEach((ceiling, rank) => {
            expect(ceiling).toBeGreaterThanOrEqual(0);
            expect(ceiling).toBeLessThanOrEqual(ceilings[rank - 1] ?? 1);
          });
        }
      }));

    it("says the same for as many cycles as it promised, and nothing is lost in passing over them", () =>
      forAllSeeds(15, (rng) => {
        const priorities = anyPriorities(rng);
        const [seen, skipped] = [create(one), create(one)];
        for (let change = 0; change < 10; change += 1) {
          const saturation = rng.next();
          const call = (policy: typeof seen): number[] => {
            const ceilings: number[] = [];
            policy.limit(saturation, priorities, ceilings);
            return ceilings;
          };
          const last = call(seen);
          expect(call(skipped)).toEqual(last);
          const steady = Math.min(30, seen.steadyCycles(saturation, priorities.length));
          for (let cycle = 0; cycle < steady; cycle += 1) expect(call(seen)).toEqual(last);
          skipped.skip(steady, saturation, priorities.length);
          expect(call(skipped)).toEqual(call(seen));
        }
      }));
  });

  it.each([
    { one: { type: "static-usage-limit-policy" }, ceilings: [1, 1, 1] },
    { one: { type: "interpolated", threshold: 0.5 }, ceilings: [1, 0.75, 0.5] },
    { one: { type: "priority-holdback-policy", minCeiling: 0.2 }, ceilings: [1, 0.6, 0.2] },
    { one: { type: "priority-holdback-policy", minCeiling: 0.2, maxCeiling: 0.8 }, ceilings: [0.8, 0.5, 0.2] },
    { one: { type: "priority-holdback-policy", minCeiling: 0.2, domain: "value" }, ceilings: [1, 0.36, 0.2] },
  ])("$one", ({ one, ceilings }) => {
    limit(one, 0.9, [8, 0, -2]).forEach((ceiling, rank) => expect(ceiling).toBeCloseTo(ceilings[rank] as number, 12));
  });

  it("a single band is held back by none, but for the most that it may have", () => {
    expect(limit({ type: "priority-holdback-policy", minCeiling: 0.2, maxCeiling: 0.9 }, 0.5, [0])).toEqual([0.9]);
    expect(limit({ type: "interpolated", threshold: 0.5 }, 0.5, [0])).toEqual([1]);
    expect(limit({ type: "soft-reflective-ceiling-policy" }, 0.99, [0])).toEqual([1]);
  });

  it("soft-reflective: open below, shut above, and in between one cycle of round(s / (1 - s))", () => {
    const course = (saturation: number): string => {
      const policy = create({ type: "soft-reflective-ceiling-policy" });
      return Array.from({ length: 9 }, () => {
        const ceilings: number[] = [];
        policy.limit(saturation, [2, 1, 0], ceilings);
        return ceilings.join("");
      }).join(" ");
    };
    expect(course(0.4)).toBe("111 111 111 111 111 111 111 111 111");
    // Ceilings of the middle band 1 - s / 2, of the lowest 1 - s: at 0.65 the lowest is between, with a period of 2.
    expect(course(0.65)).toBe("110 111 110 111 110 111 110 111 110");
    expect(course(0.8)).toBe("100 100 100 111 100 100 100 111 100");
    expect(course(1)).toBe("100 100 100 100 100 100 100 100 100");
  });
});
