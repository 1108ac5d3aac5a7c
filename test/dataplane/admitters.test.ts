import { describe, expect, it } from "vitest";
import type { Prediction } from "../../src/dataplane/admitter.ts";
import { type AdmitterSaid, admitters } from "../../src/dataplane/admitters/index.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant, micros } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { pod } from "./flow-control/driven-gate.ts";

const head = (some: Partial<RequestHead> = {}): RequestHead => ({
  id: 1,
  arrival: instant(0),
  promptTokens: 10,
  ...some,
});
const predicting = (...all: readonly (number | undefined)[]) => {
  const names = all.map((_, index) => `pod-${index}`);
  return (_head: RequestHead, { name }: { readonly name: string }): Prediction | undefined => {
    const ttft = all[names.indexOf(name)];
    return ttft === undefined ? undefined : { ttft: micros(ttft), tpot: micros(1000) };
  };
};

/** How each admitter may be said; a new one needs a line here, or this file doesn't compile. */
const said: { readonly [Type in AdmitterSaid["type"]]: readonly object[] } = {
  "probabilistic-admitter": [{}, { power: 1, k: 1, queueDepthThreshold: 2 }],
  "latency-slo-admitter": [{}],
};

it("goes through every admitter", () => {
  expect(Object.keys(said).sort()).toEqual(admitters.all.map(({ name }) => name).sort());
});

const everyOne = Object.entries(said).flatMap(([type, all]) => all.map((params) => ({ type, ...params })));

describe.each(everyOne)("admitter $type", (one) => {
  it("never refuses whoever may not be shed, and says the same again from the same stream", () =>
    forAllSeeds(20, (rng, seed) => {
      const make = () =>
        admitters.create(admitters.schema.parse(one), { rng: rngOf(seed).stream("a"), predict: predicting(9, 9) });
      const pods = [0, 1].map((index) =>
        pod(`pod-${index}`, { waiting: rng.below(6), running: 1, kvUsage: rng.next() }),
      );
      const asked = Array.from({ length: 20 }, () => ({
        head: head({ sloTtft: micros(5) }),
        priority: rng.below(9) - 4,
      }));
      const run = () => {
        const admitter = make();
        return asked.map((each) => admitter.refusal(each, pods));
      };
      const refusals = run();
      expect(run()).toEqual(refusals);
      refusals.forEach((refusal, index) => {
        if ((asked[index]?.priority ?? 0) >= 0) expect(refusal).toBeUndefined();
      });
    }));
});

describe("probabilistic-admitter", () => {
  const refused = (draws: number, waiting: number, kvUsage: number, scraped = true): number => {
    const rng = rngOf(3).stream("gate");
    const admitter = admitters.create(admitters.schema.parse({ type: "probabilistic-admitter" }), { rng });
    const pods = [pod("a", { waiting, kvUsage, ...(scraped ? {} : { scrapedAt: undefined }) })];
    let count = 0;
    for (let draw = 0; draw < draws; draw += 1) {
      if (admitter.refusal({ head: head(), priority: -1 }, pods) !== undefined) count += 1;
    }
    return count / draws;
  };
  // The share has a deviation of sqrt(p (1 - p) / n); five of them.
  it.each([
    { saturation: 0.1, share: 0.003 },
    { saturation: 0.15, share: 0.02278 },
    { saturation: 0.2, share: 0.096 },
    { saturation: 0.3, share: 0.729 },
  ])("refuses a share of $share at $saturation", ({ saturation, share }) => {
    const draws = 40_000;
    const deviation = Math.sqrt((share * (1 - share)) / draws);
    expect(Math.abs(refused(draws, 0, saturation * 0.8) - share)).toBeLessThan(5 * deviation);
  });
  it("refuses all from (1 / k) ^ (1 / power) on, and by the fuller of both signals", () => {
    expect((1 / 300) ** (1 / 5)).toBeCloseTo(0.3196, 4);
    expect(refused(1000, 0, 0.32 * 0.8)).toBe(1);
    expect(refused(1000, 2, 0)).toBe(1);
    expect(refused(1000, 0, 0)).toBe(0);
    expect(refused(1000, 0, 0, false)).toBe(1);
  });
  it("admits where there are no pods", () => {
    const rng = rngOf(1).stream("gate");
    const admitter = admitters.create(admitters.schema.parse({ type: "probabilistic-admitter" }), { rng });
    expect(admitter.refusal({ head: head(), priority: -1 }, [])).toBeUndefined();
  });
});

describe("latency-slo-admitter", () => {
  const create = (predict?: ReturnType<typeof predicting>) =>
    admitters.create(admitters.schema.parse({ type: "latency-slo-admitter" }), { rng: rngOf(1).stream("a"), predict });
  const busy = (some = {}) => ({ running: 5, kvUsage: 0.5, ...some });
  it.each([
    { name: "nobody meets the target", target: 100, pods: [busy(), busy()], predicted: [200, 300], admits: false },
    { name: "one does", target: 100, pods: [busy(), busy()], predicted: [200, 100], admits: true },
    { name: "one is idle", target: 100, pods: [busy(), busy({ running: 0 })], predicted: [200, 300], admits: true },
    { name: "one is cold", target: 100, pods: [busy({ kvUsage: 0.019 }), busy()], predicted: [200, 300], admits: true },
    { name: "no target", target: 0, pods: [busy(), busy()], predicted: [200, 300], admits: true },
    { name: "nothing predicted", target: 100, pods: [busy(), busy()], predicted: [undefined, undefined], admits: true },
    { name: "a part predicted", target: 100, pods: [busy(), busy()], predicted: [undefined, 300], admits: false },
  ])("$name", ({ target, pods, predicted, admits }) => {
    const endpoints = pods.map((some, index) => pod(`pod-${index}`, some));
    const refusal = create(predicting(...predicted)).refusal(
      { head: head({ sloTtft: micros(target) }), priority: -1 },
      endpoints,
    );
    expect(refusal === undefined).toBe(admits);
  });
  it("goes by both targets", () => {
    const asked = { head: head({ sloTtft: micros(500), sloTpot: micros(999) }), priority: -1 };
    expect(create(predicting(200)).refusal(asked, [pod("pod-0", busy())])).toBeDefined();
  });
  it("says that it has no predictions, and admits all", () => {
    const admitter = create();
    expect(admitter.note).toContain("no latency predictions");
    expect(
      admitter.refusal({ head: head({ sloTtft: micros(1) }), priority: -1 }, [pod("pod-0", busy())]),
    ).toBeUndefined();
  });
});
