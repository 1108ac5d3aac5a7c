import { elapsed, micros, type SimTime, START, toSeconds } from "../../sim/time.ts";
import type { ControlLoop, ControlStep, ControlView } from "../control-loop.ts";
import type { ControllerTarget, EnginePerformance } from "../controller.ts";
import { recordedQueries } from "../recorded-queries.ts";
import { type GpuBudget, withinBudget, withinSharedBudget } from "./budget.ts";
import { PlannerMetrics, type Traffic, type TrafficSource } from "./observe.ts";
import { type Corrections, enginesFor } from "./predictive.ts";
import type { LoadPredictor } from "./predictor.ts";
import { byFill, byObjective, type ReactiveOptions } from "./reactive.ts";

export interface PlannerOptions extends ReactiveOptions, GpuBudget {
  readonly trafficSource: TrafficSource;
  readonly throughputScaling: boolean;
  readonly loadScaling: boolean;
  readonly throughputMicros: number;
  readonly loadMicros: number;
  readonly correction: boolean;
}

/** What the planner scales together: prefill and decode engines, or engines that do both. */
export type PlannedGraph =
  | { readonly kind: "disaggregated"; readonly prefill: ControllerTarget; readonly decode: ControllerTarget }
  | { readonly kind: "aggregated"; readonly both: ControllerTarget };

/** Two paces that come so close together are one pass. */
const MERGE_MICROS = 500_000;

interface Predictors {
  readonly requests: LoadPredictor;
  readonly isl: LoadPredictor;
  readonly osl: LoadPredictor;
}

/**
 * NVIDIA Dynamo's planner: by what is predicted to come (throughput mode, every 180 s), by what the engines have to do (load
 * mode, every 5 s), or both, where the former is the floor of the latter. It writes nothing while a component has engines that
 * aren't ready (KubernetesConnector.set_component_replicas). Decisions of the throughput mode are those of 0761925, pace, load
 * mode and budget those of 0272cbd (core/state_machine.py).
 */
export class DynamoPlanner implements ControlLoop {
  readonly name: string;
  readonly queries: readonly string[];
  readonly firstAfter;
  readonly #graph: PlannedGraph;
  readonly #options: PlannerOptions;
  readonly #predictors: Predictors;
  readonly #profiles: ReadonlyMap<string, EnginePerformance>;
  #loadAt: SimTime;
  #throughputAt: SimTime;
  /** Least that throughput mode has asked for, by workload. */
  readonly #floors = new Map<string, number>();
  #isl = Number.NaN;

  /** @param profiles by workload; those of all targets where throughput mode is on or the target is `sla` */
  constructor(
    name: string,
    graph: PlannedGraph,
    options: PlannerOptions,
    predictors: Predictors,
    profiles: ReadonlyMap<string, EnginePerformance>,
  ) {
    this.name = name;
    this.#graph = graph;
    this.#options = options;
    this.#predictors = predictors;
    this.#profiles = profiles;
    this.#loadAt = (options.loadScaling ? START + options.loadMicros : Number.POSITIVE_INFINITY) as SimTime;
    this.#throughputAt = (
      options.throughputScaling ? START + options.throughputMicros : Number.POSITIVE_INFINITY
    ) as SimTime;
    this.firstAfter = micros(Math.min(this.#loadAt, this.#throughputAt));
    this.queries = recordedQueries((monitoring, now) => {
      const metrics = new PlannerMetrics(monitoring, now);
      this.#observe(metrics);
      if (options.loadScaling) for (const target of this.#targets()) metrics.loads(target, new Set());
    });
  }

  run(view: ControlView): ControlStep {
    const { loadMicros, throughputMicros } = this.#options;
    const metrics = new PlannerMetrics(view.monitoring, view.now);
    let wanted: ReadonlyMap<ControllerTarget, number> | undefined;
    if (this.#loadAt <= view.now + MERGE_MICROS) {
      wanted = this.#byLoad(view, metrics);
      this.#loadAt = (view.now + loadMicros) as SimTime;
    }
    if (this.#throughputAt <= view.now + MERGE_MICROS) {
      const predicted = this.#byForecast(view, metrics);
      wanted ??= predicted;
      this.#throughputAt = (view.now + throughputMicros) as SimTime;
    }
    const againAfter = elapsed(view.now, Math.min(this.#loadAt, this.#throughputAt) as SimTime);
    if (wanted === undefined || this.#targets().some(({ workload }) => !isSettled(view.scale(workload)))) {
      return { scales: [], againAfter };
    }
    const reason = `${this.#options.optimizationTarget} target`;
    const scales = [...wanted].map(([{ workload, maxReplicas = Number.POSITIVE_INFINITY }, replicas]) => ({
      workload,
      replicas: Math.min(replicas, maxReplicas),
      reason,
    }));
    return { scales, againAfter };
  }

  #targets(): readonly ControllerTarget[] {
    return this.#graph.kind === "aggregated" ? [this.#graph.both] : [this.#graph.prefill, this.#graph.decode];
  }

  // ---- load mode

  #byLoad(view: ControlView, metrics: PlannerMetrics): ReadonlyMap<ControllerTarget, number> | undefined {
    const targets = this.#targets();
    const desired = new Map<ControllerTarget, number>();
    for (const target of targets) {
      const scale = view.scale(target.workload);
      const ready = scale.pods.filter((pod) => pod.ready === true && !pod.deleting);
      const loads = metrics.loads(target, new Set(ready.map(({ name }) => name)));
      // An engine that hasn't told yet, or isn't ready yet: only observed.
      if (ready.length !== scale.specReplicas || loads.length !== ready.length) return undefined;
      desired.set(target, this.#loadDecision(target, loads, ready.length, metrics) ?? ready.length);
    }
    if (this.#options.throughputScaling) {
      for (const [target, count] of desired) {
        desired.set(target, Math.max(count, this.#floors.get(target.workload) ?? 1));
      }
    }
    return this.#bounded(desired);
  }

  #loadDecision(
    target: ControllerTarget,
    loads: Parameters<typeof byFill>[1],
    workers: number,
    metrics: PlannerMetrics,
  ): number | undefined {
    const { optimizationTarget: aim, minEndpoint } = this.#options;
    if (aim !== "sla") return byFill(target, loads, workers, aim, minEndpoint);
    const profile = this.#profiles.get(target.workload);
    if (profile === undefined) return undefined;
    if (!(this.#isl > 0)) this.#isl = this.#observe(metrics).isl;
    return byObjective(target, loads, workers, this.#isl, this.#options, profile);
  }

  // ---- throughput mode

  #observe(metrics: PlannerMetrics): Traffic {
    const targets = this.#targets();
    const [entry, exit] = [targets[0] as ControllerTarget, targets.at(-1) as ControllerTarget];
    const { trafficSource, throughputMicros } = this.#options;
    return metrics.traffic(trafficSource, entry, exit, throughputMicros / 1e6);
  }

  #byForecast(view: ControlView, metrics: PlannerMetrics): ReadonlyMap<ControllerTarget, number> | undefined {
    const traffic = this.#observe(metrics);
    const { requests, isl, osl } = this.#predictors;
    requests.add(traffic.requests);
    isl.add(traffic.isl);
    osl.add(traffic.osl);
    this.#isl = traffic.isl;
    const graph = this.#graph;
    if (graph.kind === "aggregated" || !isWhole(traffic)) return undefined;
    const { prefill, decode } = graph;
    const [prefillProfile, decodeProfile] = [prefill, decode].map(({ workload }) => this.#profiles.get(workload));
    if (prefillProfile === undefined || decodeProfile === undefined) return undefined;
    const interval = toSeconds(micros(this.#options.throughputMicros));
    const workers = view.scale(decode.workload).pods.filter((pod) => pod.ready === true && !pod.deleting).length;
    const corrections = this.#options.correction
      ? correctionsOf(traffic, workers, interval, prefillProfile, decodeProfile)
      : { prefill: 1, decode: 1 };
    const [p, d] = enginesFor(
      { requests: requests.next(), isl: isl.next(), osl: osl.next() },
      interval,
      this.#options,
      corrections,
      { gpus: prefill.gpusPerReplica, profile: prefillProfile },
      { gpus: decode.gpusPerReplica, profile: decodeProfile },
    );
    // A correction or a profile that can't be computed: the pass is given up, as there.
    if (!Number.isFinite(p) || !Number.isFinite(d)) return undefined;
    const desired = new Map([
      [prefill, Math.max(p, this.#options.minEndpoint)],
      [decode, Math.max(d, this.#options.minEndpoint)],
    ]);
    if (!this.#options.loadScaling) return this.#bounded(desired);
    for (const [{ workload }, count] of desired) this.#floors.set(workload, count);
    return undefined;
  }

  #bounded(desired: ReadonlyMap<ControllerTarget, number>): ReadonlyMap<ControllerTarget, number> {
    const graph = this.#graph;
    if (graph.kind === "aggregated") {
      const { both } = graph;
      return new Map([[both, withinBudget(desired.get(both) as number, both.gpusPerReplica, this.#options)]]);
    }
    const { prefill, decode } = graph;
    const [p, d] = withinSharedBudget(
      [desired.get(prefill) as number, desired.get(decode) as number],
      [prefill.gpusPerReplica, decode.gpusPerReplica],
      this.#options,
    );
    return new Map([
      [prefill, p],
      [decode, d],
    ]);
  }
}

/** All that a decision needs was observed (Metrics.is_valid). */
const isWhole = ({ requests, isl, osl, ttftSeconds, itlSeconds }: Traffic): boolean =>
  [requests, isl, osl, ttftSeconds, itlSeconds].every((value) => !Number.isNaN(value));

const correctionsOf = (
  { requests, isl, osl, ttftSeconds, itlSeconds, durationSeconds }: Traffic,
  workers: number,
  interval: number,
  prefill: EnginePerformance,
  decode: EnginePerformance,
): Corrections => ({
  prefill: ttftSeconds / prefill.ttftSeconds(isl),
  decode: itlSeconds / decode.itlSeconds(((requests / workers) * durationSeconds) / interval, isl + osl / 2),
});

const isSettled = ({ specReplicas, pods }: ReturnType<ControlView["scale"]>): boolean =>
  pods.filter((pod) => pod.ready === true && !pod.deleting).length === specReplicas;
