import { describe, expect, it } from "vitest";
import type { Fact, SyncFact, SyncMetric } from "../../src/model/fact.ts";
import type { LoopSetup } from "../../src/report/control-loop/loop-setup.ts";
import { SyncLog } from "../../src/report/control-loop/sync-log.ts";
import { type FoldOptions, ReportFold } from "../../src/report/fold.ts";
import type { LoopKpis } from "../../src/report/report.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { at, finished, pod, request, sample, scaled, view, workload } from "./views.ts";

const setup: LoopSetup = {
  autoscaler: "inference/chat",
  object: "HorizontalPodAutoscaler/inference/chat",
  workload: "chat",
  gpusPerReplica: 2,
  minReplicas: 1,
  maxReplicas: 8,
  toleranceUp: 0.1,
  scaleDownStabilizationSeconds: 300,
  metrics: [{ field: "spec.metrics[0]" }],
};

const metric = (over: Partial<SyncMetric> = {}): SyncMetric => ({
  name: "vllm:num_requests_waiting",
  source: "Pods",
  seen: 5,
  target: 10,
  targetType: "average",
  proposal: 1,
  ...over,
});

const sync = (over: Partial<SyncFact> = {}): SyncFact => ({
  currentReplicas: 1,
  desiredReplicas: 1,
  metrics: [metric()],
  reason: "ReadyForNewScale",
  ...over,
});

const synced = (seconds: number, over: Partial<SyncFact> = {}): Fact => ({
  kind: "synced",
  at: at(seconds),
  autoscaler: "inference/chat",
  sync: sync(over),
});
/** A sync at which the metric truly is so. */
const truly = (seconds: number, truth: number, seen: number | undefined = truth): Fact =>
  synced(seconds, { metrics: [metric({ truth, seen })] });

const kpisOf = (facts: readonly Fact[], until: number, over: Partial<FoldOptions> = {}): LoopKpis => {
  const fold = new ReportFold({
    horizonMicros: 3600e6,
    warmUpMicros: 0,
    gpusPerReplica: { chat: 2 },
    loops: [setup],
    ...over,
  });
  sample(fold, { ...view(0, []), workloads: [workload(1)] });
  for (const fact of facts) fold.tell(fact);
  return fold.kpis(view(until, [])).controlLoops?.["inference/chat"] as LoopKpis;
};

const started = (name: string, created: number, ready: number): Fact[] => [
  pod("pending", created, name),
  pod("pulling", created, name),
  pod("ready", ready, name),
];

describe("time to react", () => {
  it.each([
    {
      name: "goes from the sync at which the metric truly was above its target, seen or not, to the new replica",
      facts: [truly(0, 5), truly(15, 30, 5), truly(30, 30), ...started("b", 30, 200)],
      reactions: [185],
      unanswered: 0,
    },
    {
      name: "goes by what was seen where the truth isn't told",
      facts: [synced(0), synced(15, { metrics: [metric({ seen: 12 })] }), ...started("b", 15, 75)],
      reactions: [60],
      unanswered: 0,
    },
    {
      name: "begins where the tolerance ends",
      facts: [truly(0, 5), truly(15, 10.9), truly(30, 11.1), ...started("b", 30, 90)],
      reactions: [60],
      unanswered: 0,
    },
    {
      name: "waits for pods that are on their way though the load is gone",
      facts: [truly(0, 5), truly(15, 30), pod("pending", 15, "b"), truly(30, 1), pod("ready", 115, "b")],
      reactions: [100],
      unanswered: 0,
    },
    {
      name: "takes no pod that was on its way before",
      facts: [pod("pending", 0, "a"), truly(5, 5), truly(15, 30), pod("ready", 20, "a"), ...started("b", 30, 40)],
      reactions: [25],
      unanswered: 0,
    },
    {
      name: "is counted once while the metric stays above",
      facts: [truly(0, 5), truly(15, 30), ...started("b", 15, 30), truly(45, 30), ...started("c", 45, 60)],
      reactions: [15],
      unanswered: 0,
    },
    {
      name: "is none where nothing came of it",
      facts: [truly(0, 5), truly(15, 30), truly(30, 5), truly(45, 30)],
      reactions: [],
      unanswered: 2,
    },
    {
      name: "is none where the pod that was to help is gone before it is ready",
      facts: [truly(0, 5), truly(15, 30), pod("pending", 15, "b"), truly(30, 5), pod("gone", 40, "b")],
      reactions: [],
      unanswered: 1,
    },
    {
      name: "does not end where there is no data",
      facts: [
        truly(0, 5),
        truly(15, 30),
        synced(30, { metrics: [metric({ seen: undefined, proposal: undefined })] }),
        ...started("b", 45, 75),
      ],
      reactions: [60],
      unanswered: 0,
    },
  ])("$name", ({ facts, reactions, unanswered }) => {
    const { reactionSeconds, crossingsUnanswered } = kpisOf(facts, 3600);
    expect(reactionSeconds.count).toBe(reactions.length);
    if (reactions.length > 0) expect(reactionSeconds.mean).toBeCloseTo(reactions[0] as number, 6);
    expect(crossingsUnanswered).toBe(unanswered);
  });

  it("leaves the warm-up out", () => {
    const facts = [truly(0, 5), truly(15, 30), ...started("b", 15, 75)];
    expect(kpisOf(facts, 3600, { warmUpMicros: 60e6 }).reactionSeconds.count).toBe(0);
  });
});

describe("the course of the replicas", () => {
  it.each([
    {
      name: "what soon is taken back was too much",
      facts: [scaled(1, 7, 0), scaled(7, 3, 600)],
      overshoot: 4,
      flips: 1,
    },
    { name: "a later fall follows the load", facts: [scaled(1, 7, 0), scaled(7, 3, 901)], overshoot: 0, flips: 1 },
    {
      name: "a rise of several steps is one, and can't lose more than it added",
      facts: [scaled(2, 4, 0), scaled(4, 6, 60), scaled(6, 4, 400), scaled(4, 1, 500)],
      overshoot: 4,
      flips: 1,
    },
    {
      name: "the largest counts, each turn is a reversal",
      facts: [scaled(1, 4, 0), scaled(4, 1, 300), scaled(1, 3, 400), scaled(3, 1, 700)],
      overshoot: 3,
      flips: 3,
    },
    { name: "a fall without a rise is none", facts: [scaled(5, 2, 100), scaled(2, 1, 200)], overshoot: 0, flips: 0 },
  ])("$name", ({ facts, overshoot, flips }) => {
    const kpis = kpisOf(facts, 1800);
    expect(kpis.overshootReplicas).toBe(overshoot);
    expect(kpis.reversals).toBe(flips);
    expect(kpis.flapsPerHour).toBe(flips * 2);
  });

  it("says how long it stood at its limits, and how much of it was cut by the upper one", () => {
    const facts = [
      scaled(1, 8, 100),
      synced(150, { limitedBy: "TooManyReplicas", proposal: 22_745 }),
      synced(250, { proposal: 8 }),
      scaled(8, 4, 400),
      scaled(4, 1, 1000),
    ];
    expect(kpisOf(facts, 1200)).toMatchObject({
      secondsAtMin: 300,
      secondsAtMax: 300,
      secondsCutByMax: 100,
      proposalMax: 22_745,
    });
    expect(kpisOf(facts, 1200, { warmUpMicros: 200e6 })).toMatchObject({
      secondsAtMin: 200,
      secondsAtMax: 200,
      secondsCutByMax: 50,
    });
  });

  it("has replica-hours and GPU-hours of its workload alone", () => {
    const other = { ...(pod("ready", 0, "x") as Extract<Fact, { kind: "pod" }>), workload: "embed" };
    const { replicaHours, gpuHours } = kpisOf([other, pod("ready", 0), ...started("b", 1800, 2000)], 3600);
    expect(replicaHours).toBeCloseTo(1.5, 9);
    expect(gpuHours).toBeCloseTo(3, 9);
  });
});

describe("streams at scale-in", () => {
  const cut = (id: number, name: string): Fact =>
    ({ ...finished(request(id, 10), "aborted", { end: 5 }), pod: name }) as Fact;
  it("counts those cut on pods that a scale-down stopped, and no others", () => {
    const facts = [
      pod("ready", 0, "a"),
      pod("ready", 0, "b"),
      pod("ready", 0, "c"),
      scaled(3, 2, 10),
      pod("terminating", 10, "b"),
      cut(1, "b"),
      cut(2, "b"),
      // Somebody deleted this one.
      pod("terminating", 12, "c"),
      cut(3, "c"),
      pod("gone", 16, "b"),
      cut(4, "a"),
    ];
    expect(kpisOf(facts, 100).streamsAbortedAtScaleIn).toBe(2);
  });
});

describe("minutes of violated objectives", () => {
  const fold = () =>
    new ReportFold({
      horizonMicros: 3600e6,
      warmUpMicros: 0,
      gpusPerReplica: { chat: 1 },
      slo: { standard: { e2e: at(2) as never } },
    });
  const told = (facts: readonly Fact[]) => {
    const one = fold();
    for (const fact of facts) one.tell(fact);
    return one.kpis(view(3600, [])).sloMinutes;
  };
  const served = (id: number, arrival: number, end: number): Fact[] => [
    { kind: "arrived", at: at(arrival), request: request(id, arrival) },
    finished(request(id, arrival), "stop", { end }),
  ];

  it("counts a minute by the share that missed, and apart what missed while a replica was starting", () => {
    const facts = [
      ...served(1, 10, 1),
      ...served(2, 20, 9),
      pod("pending", 61, "b"),
      ...served(3, 62, 9),
      pod("ready", 100, "b"),
      ...served(4, 99, 9),
      ...served(5, 101, 9),
      ...served(6, 102, 1),
    ];
    const { violation, violationWhileStarting } = told(facts) ?? { violation: -1, violationWhileStarting: -1 };
    expect(violation).toBeCloseTo(1 / 2 + 3 / 4, 9);
    expect(violationWhileStarting).toBeCloseTo(2 / 4, 9);
  });

  it("counts who was turned away, and has nothing to say where nobody has a target", () => {
    const one = request(1, 10);
    const refused: Fact = { kind: "refused", at: at(10), request: one, outcome: "unroutable" };
    expect(told([{ kind: "arrived", at: at(10), request: one }, refused])).toEqual({
      violation: 1,
      violationWhileStarting: 0,
    });
    const plain = new ReportFold({ horizonMicros: 1, warmUpMicros: 0, gpusPerReplica: { chat: 1 } });
    expect(plain.kpis(view(0)).sloMinutes).toBeUndefined();
  });
});

describe("the timeline of syncs", () => {
  it("keeps every change, thins out the rest, and says how many it left out", () => {
    forAllSeeds(20, (rng) => {
      const log = new SyncLog();
      const count = 1 + rng.below(5000);
      const every = 2 + rng.below(200);
      const changes: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const scales = i % every === 0;
        if (scales) changes.push(i);
        log.told(sync({ desiredReplicas: scales ? 2 : 1 }), at(15 * i));
      }
      const { syncs, rows, leftOut } = log.timeline();
      expect(syncs).toBe(count);
      expect(rows.length + leftOut.unchanged + leftOut.changed).toBe(count);
      expect(rows.length).toBeLessThanOrEqual(620);
      const instants = rows.map(({ atSeconds }) => atSeconds);
      expect(instants).toEqual([...instants].sort((a, b) => a - b));
      const kept = rows.filter(({ desiredReplicas }) => desiredReplicas === 2).map(({ atSeconds }) => atSeconds / 15);
      expect(kept).toEqual(changes.slice(0, 500));
      expect(leftOut.changed).toBe(Math.max(0, changes.length - 500));
      if (count - changes.length >= 120) expect(rows.length - kept.length).toBeGreaterThanOrEqual(59);
    });
  });

  it("takes a new reason, limit or error for a change", () => {
    const log = new SyncLog();
    for (let i = 0; i < 1000; i += 1) log.told(sync(), at(i));
    log.told(sync({ error: "FailedGetPodsMetric" }), at(1000));
    log.told(sync({ limitedBy: "TooManyReplicas" }), at(1001));
    const last = log.timeline().rows.slice(-2);
    expect(last.map(({ atSeconds }) => atSeconds)).toEqual([1000, 1001]);
  });
});
