import { describe, expect, it } from "vitest";
import { type FaultSaid, faults } from "../../src/controlplane/faults/index.ts";
import type { Fact, SyncFact } from "../../src/model/fact.ts";
import { toSeconds } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const MINUTE = 60e6;

interface Told {
  readonly second: number;
  readonly sync: SyncFact;
}

interface Course {
  readonly syncs: readonly Told[];
  readonly scales: readonly { readonly second: number; readonly to: number }[];
}

/** A spike in the fourth minute, on an HPA that answers at once. */
const course = (said: readonly FaultSaid[], over: Partial<Scenario> = {}): Course => {
  const syncs: Told[] = [];
  const scales: { second: number; to: number }[] = [];
  const hear = (fact: Fact) => {
    if (fact.kind === "synced") syncs.push({ second: toSeconds(fact.at), sync: fact.sync });
    if (fact.kind === "scaled") scales.push({ second: toSeconds(fact.at), to: fact.to });
  };
  const world = new World(
    scenario({
      horizonMicros: 12 * MINUTE,
      workloads: [workload({ engine: { ...workload().engine, maxNumSeqs: 6 } })],
      autoscalers: [waitingHpa(3)],
      traffic: {
        kind: "synthetic",
        synthetic: chat(2, { pattern: [{ shape: "spike", at: "3m", duration: "3m", factor: 6 }] }),
      },
      ...(said.length === 0 ? {} : { faults: said.map((one) => faults.schema.parse(one)) }),
      ...over,
    }),
    hear,
  );
  while (world.next !== undefined) world.step();
  return { syncs, scales };
};

const within = (told: readonly Told[], from: number, to: number): readonly Told[] =>
  told.filter(({ second }) => second >= from && second < to);

const sound = course([]);

describe("without faults", () => {
  it("scales out within a minute of the spike, and back", () => {
    expect(sound.scales[0]?.second).toBeGreaterThan(180);
    expect(sound.scales[0]?.second).toBeLessThan(240);
    expect(within(sound.syncs, 30, 720).every(({ sync }) => sync.error === undefined)).toBe(true);
  });

  it("tells what each metric truly was beside what was seen", () => {
    const late = sound.syncs.filter(({ sync }) => sync.metrics.some(({ seen, truth }) => seen !== truth));
    expect(sound.syncs.flatMap(({ sync }) => sync.metrics).every(({ truth }) => truth !== undefined)).toBe(true);
    expect(late.length).toBeGreaterThan(3);
  });
});

describe("every fault", () => {
  it.each(faults.all.map(({ name }) => name))(
    "%s is over when it is over: before it begins nothing differs",
    (name) => {
      const extra = { latency: "2s", factor: 5, metric: "vllm:num_requests_waiting" };
      const { params } = faults.all.find((one) => one.name === name) as (typeof faults.all)[number];
      const own = Object.fromEntries(Object.entries(extra).filter(([key]) => key in params.shape));
      const broken = course([{ fault: name, at: "5m", for: "1m", ...own } as FaultSaid], { horizonMicros: 6 * MINUTE });
      expect(within(broken.syncs, 0, 300)).toEqual(within(sound.syncs, 0, 300));
    },
  );
});

describe.each(["prometheus-down", "prometheus-unauthorized", "adapter-restart"] as const)("%s", (name) => {
  const broken = course([{ fault: name, at: "2m30s", for: "3m" }]);

  it("leaves the HPA without data, so that it holds through the spike", () => {
    const blind = within(broken.syncs, 151, 330);
    expect(blind.length).toBeGreaterThan(8);
    expect(new Set(blind.map(({ sync }) => sync.error))).toEqual(new Set(["FailedGetPodsMetric"]));
    expect(broken.scales.every(({ second }) => second > 330)).toBe(true);
  });

  it("scales out once it is over", () => expect(broken.scales.some(({ to }) => to > 2)).toBe(true));
});

it("prometheus-down hides what came after it until the next scrape; 401 does not", () => {
  const at = { at: "2m30s", for: "3m" };
  const down = course([{ fault: "prometheus-down", ...at }]);
  const refused = course([{ fault: "prometheus-unauthorized", ...at }]);
  const first = ({ syncs }: Course) => within(syncs, 330, 400)[0]?.sync.metrics[0]?.seen;
  // The last sample is older than what came during the fault: it is still within the look-back.
  expect(first(down)).toBe(sound.syncs.findLast(({ second }) => second < 150)?.sync.metrics[0]?.seen);
  expect(first(refused)).toBeGreaterThan(first(down) as number);
});

describe("scrape-timeout", () => {
  const broken = course([{ fault: "scrape-timeout", at: "2m30s", for: "3m", pods: "llama" }]);

  it("ends the pods' series at the next scrape: no metric is left", () => {
    expect(within(broken.syncs, 166, 330).every(({ sync }) => sync.error === "FailedGetPodsMetric")).toBe(true);
  });

  it("hits only pods of that name", () =>
    expect(course([{ fault: "scrape-timeout", at: "2m30s", for: "3m", pods: "other" }])).toEqual(sound));
});

it("frozen-metric looks well and never changes", () => {
  const broken = course([{ fault: "frozen-metric", at: "2m30s", for: "4m", metric: "vllm:num_requests_waiting" }]);
  const seen = within(broken.syncs, 166, 380).flatMap(({ sync }) => sync.metrics.map((metric) => metric.seen));
  expect(new Set(seen).size).toBe(1);
  expect(within(broken.syncs, 30, 380).every(({ sync }) => sync.error === undefined)).toBe(true);
  // It never sees the spike, and even scales in.
  expect(within(broken.syncs, 180, 390).every(({ sync }) => sync.desiredReplicas <= 2)).toBe(true);
});

describe("controllers-restart", () => {
  const long = { horizonMicros: 15 * MINUTE };
  const broken = course([{ fault: "controllers-restart", at: "9m", for: "20s" }], long);
  const scaledIn = ({ scales }: Course) => scales.find(({ to }, i) => to < (scales[i - 1]?.to ?? 0))?.second;

  it("reconciles nothing meanwhile, and at once when it is back", () => {
    expect(within(broken.syncs, 540, 560)).toEqual([]);
    expect(within(broken.syncs, 560, 561)).toHaveLength(1);
  });

  it("begins the window anew with the replicas that there are, so that it scales in a window later", () => {
    expect(scaledIn(sound)).toBeLessThan(640);
    expect(scaledIn(broken)).toBeGreaterThan(560 + 300);
    expect(scaledIn(broken)).toBeLessThan(560 + 320);
  });
});

it("api-server-latency delays what is decided by two calls, and the next reconcile with it", () => {
  const broken = course([{ fault: "api-server-latency", at: "1m", for: "10m", latency: "4s" }]);
  const { syncs, scales } = broken;
  const decided = syncs.find(({ sync }) => sync.desiredReplicas > sync.currentReplicas);
  expect(scales[0]?.second).toBeCloseTo((decided?.second ?? 0) + 8, 6);
  const later = within(syncs, 100, 600);
  expect((later[1] as Told).second - (later[0] as Told).second).toBeCloseTo(15 + 8, 6);
});
