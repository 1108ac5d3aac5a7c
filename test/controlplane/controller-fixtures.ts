import type { ScaleView } from "../../src/controlplane/autoscaler.ts";
import type { ControlLoop, ControlStep, ControlView } from "../../src/controlplane/control-loop.ts";
import type { ControllerContext, ControllerTarget, EngineSight } from "../../src/controlplane/controller.ts";
import type { MonitoringServer, QueryElement } from "../../src/controlplane/monitoring-server.ts";
import { rngOf } from "../../src/sim/rng.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { podView } from "./hpa/fixtures.ts";

export const target = (name: string, change: Partial<ControllerTarget> = {}): ControllerTarget => ({
  name,
  namespace: "serving",
  workload: name,
  kind: "annotated",
  model: "llama",
  accelerator: "H100",
  cost: 10,
  gpusPerReplica: 1,
  role: "both",
  engine: {
    maxNumSeqs: 256,
    maxNumBatchedTokens: 8192,
    maxModelLen: 8192,
    blockTokens: 16,
    kvTokens: 16_000,
    tensorParallel: 1,
    gpuMemoryUtilization: 0.9,
  },
  ...change,
});

/** `ready` of `replicas` pods are ready. */
export const scaleOf = (workload: string, replicas: number, ready = replicas): ScaleView => ({
  specReplicas: replicas,
  statusReplicas: replicas,
  pods: Array.from({ length: replicas }, (_, index) => podView(`${workload}-${index}`, { ready: index < ready })),
});

/** Answers by what the text contains, the first that fits; else with nothing. */
export const monitoringOf = (
  answers: readonly (readonly [string, readonly QueryElement[] | "unreachable"])[],
): MonitoringServer & { readonly asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    query: (text) => {
      asked.push(text);
      const elements = answers.find(([part]) => text.includes(part))?.[1] ?? [];
      return elements === "unreachable"
        ? { ok: false, why: "unreachable", message: "timeout" }
        : { ok: true, type: "vector", elements };
    },
    series: () => ({ ok: true, series: [] }),
  };
};

/** One element for each pod. */
export const byPod = (values: Readonly<Record<string, number>>): readonly QueryElement[] =>
  Object.entries(values).map(([pod, value]) => ({ labels: { pod }, value }));

export const one = (value: number): readonly QueryElement[] => [{ labels: {}, value }];

/** A world of scales that loops write. */
export class Scales {
  readonly of = new Map<string, ScaleView>();
  readonly #monitoring: MonitoringServer;

  constructor(scales: Readonly<Record<string, ScaleView>>, monitoring: MonitoringServer) {
    for (const [workload, scale] of Object.entries(scales)) this.of.set(workload, scale);
    this.#monitoring = monitoring;
  }

  view(now: SimTime): ControlView {
    return { now, monitoring: this.#monitoring, scale: (workload) => this.of.get(workload) as ScaleView };
  }

  /** Runs one pass; what it writes is ready at once. */
  pass(loop: ControlLoop, now: SimTime): ControlStep {
    const step = loop.run(this.view(now));
    for (const { workload, replicas } of step.scales) this.of.set(workload, scaleOf(workload, replicas));
    return step;
  }
}

export const contextOf = (
  targets: readonly ControllerTarget[],
  change: Partial<ControllerContext> = {},
): ControllerContext => ({
  name: "serving/sim",
  targets,
  rng: rngOf(1).stream("controller/test"),
  engines: () => [],
  queuedAtPicker: () => 0,
  performance: () => undefined,
  ...change,
});

export const sight = (change: Partial<EngineSight> = {}): EngineSight => ({
  state: "ready",
  kvTokens: 10_000,
  kvTokensInUse: 0,
  queued: 0,
  ...change,
});

/** Value of a gauge or counter with that label. */
export const published = (loop: ControlLoop, family: string, variant: string): number | undefined =>
  loop
    .families?.()
    .find(({ name }) => name === family)
    ?.samples.find(({ labels }) => labels.variant_name === variant)?.value as number | undefined;
