import { describe, expect, it } from "vitest";
import { type AdmissionSaid, admissions } from "../../src/dataplane/admissions/index.ts";
import { detectors } from "../../src/dataplane/detectors/index.ts";
import { CLASS_PRIORITY, enginePriority, isSheddable, priorityBy } from "../../src/dataplane/priority.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { type Pod, pod } from "./flow-control/driven-gate.ts";

const detector = detectors.create(detectors.schema.parse({ type: "utilization-detector" }), {});
const make = (said: object) => admissions.create(admissions.schema.parse(said), { detector });
const asked = (priority: number, promptTokens = 100, id = 1) => ({
  head: { id, arrival: instant(0), promptTokens, sloClass: "batch" },
  priority,
});
const AT = instant(0);
const SHED = "system saturated, sheddable request dropped";

/** How each policy may be said; a new one needs a line here, or this file doesn't compile. */
const said: { readonly [Type in AdmissionSaid["type"]]: readonly object[] } = {
  "gaie-legacy": [{}],
  "always-admit": [{}],
  "token-bucket": [{}, { capacity: 500, refillRate: 1 }],
  "tier-shed": [{}, { threshold: 10, minPriority: 0 }],
  "reject-all": [{}],
};

const anyPods = (rng: Rng): Pod[] =>
  Array.from({ length: rng.below(5) }, (_, index) =>
    pod(`pod-${index}`, { waiting: rng.below(9), running: rng.below(9), kvUsage: rng.next(), inFlight: rng.below(9) }),
  );

it("goes through every policy", () => {
  expect(Object.keys(said).sort()).toEqual(admissions.all.map(({ name }) => name).sort());
});

const everyOne = Object.entries(said).flatMap(([type, all]) => all.map((params) => ({ type, ...params })));

describe.each(everyOne)("admission $type", (one) => {
  it("says the same again, gives a reason, and refuses nobody for being more important", () =>
    forAllSeeds(20, (rng) => {
      const calls = Array.from({ length: 20 }, (_, id) => ({
        who: asked(rng.below(9) - 4, 1 + rng.below(200), id),
        pods: anyPods(rng),
        at: instant(id * rng.below(1_000_000)),
      }));
      const run = (raise: number) => {
        const policy = make(one);
        return calls.map(({ who, pods, at }) => policy.refusal({ ...who, priority: who.priority + raise }, pods, at));
      };
      const refusals = run(0);
      expect(run(0)).toEqual(refusals);
      for (const refusal of refusals) expect(refusal).not.toBe("");
      run(9).forEach((refusal, index) => {
        if (refusal !== undefined) expect(refusals[index]).toBeDefined();
      });
    }));

  it("reads no scraped signal unless it says so", () =>
    forAllSeeds(20, (rng) => {
      if (make(one).readsSignals) return;
      const pods = anyPods(rng);
      const blind = pods.map((each) => ({ ...each, scrapedAt: undefined, waiting: 0, running: 0, kvUsage: 0 }));
      expect(make(one).refusal(asked(-1), blind, AT)).toBe(make(one).refusal(asked(-1), pods, AT));
    }));
});

describe("token-bucket", () => {
  it("pays with prompt tokens, refills evenly up to its capacity, and never lets in what is longer", () => {
    const bucket = make({ type: "token-bucket", capacity: 1000, refillRate: 100 });
    const ask = (tokens: number, seconds: number) => bucket.refusal(asked(0, tokens), [], instant(seconds * 1e6));
    const course = [
      ask(600, 0), // 1000 → 400
      ask(500, 0), // refused
      ask(500, 0.99), // 499: refused
      ask(500, 1), // 500 → 0
      ask(1, 1),
      ask(1000, 100), // full again → 0
      ask(1001, 1000), // longer than the bucket
    ];
    expect(course.map((refusal) => refusal === undefined)).toEqual([true, false, false, true, false, true, false]);
    expect(course[1]).toBe("insufficient tokens");
  });
});

describe("tier-shed", () => {
  const loaded = [pod("a", { waiting: 1, running: 2, inFlight: 1 }), pod("b")];
  it.each([
    { name: "an idle pool sheds nobody", pods: [pod("a")], priority: -3, params: {}, admits: true },
    { name: "any work sheds batch", pods: loaded, priority: -1, params: {}, admits: false },
    { name: "and what is below standard", pods: loaded, priority: 2, params: {}, admits: false },
    { name: "but not standard", pods: loaded, priority: 3, params: {}, admits: true },
    { name: "not up to the threshold", pods: loaded, priority: -1, params: { threshold: 4 }, admits: true },
    { name: "above it", pods: loaded, priority: -1, params: { threshold: 3 }, admits: false },
    { name: "no pods: nobody", pods: [], priority: -1, params: {}, admits: true },
  ])("$name", ({ pods, priority, params, admits }) => {
    expect(make({ type: "tier-shed", ...params }).refusal(asked(priority), pods, AT) === undefined).toBe(admits);
  });
});

describe("gaie-legacy", () => {
  it.each([
    { name: "sheddable below saturation", priority: -1, pods: [pod("a", { waiting: 4 })], refusal: undefined },
    { name: "sheddable at saturation", priority: -1, pods: [pod("a", { waiting: 5 })], refusal: SHED },
    { name: "everybody else at saturation", priority: 0, pods: [pod("a", { waiting: 50 })], refusal: undefined },
    { name: "sheddable with an empty pool", priority: -1, pods: [], refusal: SHED },
  ])("$name", ({ priority, pods, refusal }) => {
    expect(make({ type: "gaie-legacy" }).refusal(asked(priority), pods, AT)).toBe(refusal);
  });
});

describe("priorities", () => {
  it.each([
    { sloClass: "critical", priority: 4, sheddable: false, engine: 0 },
    { sloClass: "standard", priority: 3, sheddable: false, engine: 1 },
    { sloClass: undefined, priority: 3, sheddable: false, engine: 1 },
    { sloClass: "unheard-of", priority: 3, sheddable: false, engine: 1 },
    { sloClass: "batch", priority: -1, sheddable: true, engine: 5 },
    { sloClass: "sheddable", priority: -2, sheddable: true, engine: 6 },
    { sloClass: "background", priority: -3, sheddable: true, engine: 7 },
  ])("class $sloClass is $priority", ({ sloClass, priority, sheddable, engine }) => {
    const found = priorityBy("classes", {})(sloClass === undefined ? {} : { sloClass });
    expect(found).toBe(priority);
    expect(isSheddable(found)).toBe(sheddable);
    expect(enginePriority(found)).toBe(engine);
  });

  it("can be overridden class by class, the default's too", () => {
    const priorityOf = priorityBy("classes", { batch: 7, standard: 1, gold: 9 });
    expect(["batch", "standard", "gold", "critical", "unheard-of"].map((sloClass) => priorityOf({ sloClass }))).toEqual(
      [7, 1, 9, CLASS_PRIORITY["critical"], 1],
    );
  });

  it("are those of the objectives alone, and else 0", () => {
    const priorityOf = priorityBy("objectives", { gold: 9, batch: -5 });
    expect(["gold", "batch", "critical"].map((sloClass) => priorityOf({ sloClass }))).toEqual([9, -5, 0]);
    expect(priorityOf({})).toBe(0);
  });
});
