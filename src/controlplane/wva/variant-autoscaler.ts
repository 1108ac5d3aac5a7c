import { micros } from "../../sim/time.ts";
import type { ScaleView } from "../autoscaler.ts";
import type { ControlLoop, ControlStep, ControlView } from "../control-loop.ts";
import type { ControllerTarget } from "../controller.ts";
import { recordedQueries } from "../recorded-queries.ts";
import { ReplicaCollector } from "./collect.ts";
import { costAware } from "./cost-aware.ts";
import { enforceZero } from "./enforce.ts";
import { limitToGpus } from "./limiter.ts";
import type { VariantMetrics } from "./metrics.ts";
import { analyseSpare, type SpareThresholds, spareTargets } from "./saturation-percentage.ts";
import { type TokenAnalysis, TokenSaturation, type TokenThresholds } from "./saturation-tokens.ts";
import type { ReplicaSignals, VariantDecision, VariantState } from "./variant.ts";

export interface VariantAutoscalerOptions extends SpareThresholds, TokenThresholds {
  readonly analyzer: "percentage" | "tokens";
  readonly scaleToZero: boolean;
  /** As PromQL writes it. */
  readonly retention: string;
  /** GPUs of the cluster by accelerator; left out: as many as are asked for. */
  readonly gpus?: Readonly<Record<string, number>> | undefined;
}

/** What was wanted last of variants that are objects of their own: their status keeps it, over restarts too. */
export type WantedLast = Map<string, number>;

const INTERVAL = micros(30_000_000);
const SERVICE = "workload-variant-autoscaler-controller-manager-metrics-service";

/**
 * llm-d's Workload Variant Autoscaler: every 30 s, how many replicas of each variant of a model are wanted, published as a
 * metric that an HPA or KEDA acts on. It writes no scale itself. (llm-d WVA, b08b1c7 of February 2026 with discovery by
 * annotations, bounds and roles as on main of mid-2026: internal/engines/saturation Engine.optimize)
 */
export class VariantAutoscaler implements ControlLoop {
  readonly name: string;
  readonly queries: readonly string[];
  readonly firstAfter;
  /** As its chart installs it: the label `namespace` of its gauges is then scraped as `exported_namespace`. */
  readonly labels = { job: SERVICE, service: SERVICE, namespace: "workload-variant-autoscaler-system" };
  readonly #targets: readonly ControllerTarget[];
  readonly #options: VariantAutoscalerOptions;
  readonly #wantedLast: WantedLast;
  readonly #metrics: VariantMetrics;
  readonly #tokens: TokenSaturation;

  /** @param phaseMicros until its first pass @param wantedLast shared with whoever scales from zero */
  constructor(
    name: string,
    phaseMicros: number,
    targets: readonly ControllerTarget[],
    options: VariantAutoscalerOptions,
    wantedLast: WantedLast,
    metrics: VariantMetrics,
  ) {
    this.name = name;
    this.firstAfter = micros(phaseMicros);
    this.#targets = targets;
    this.#options = options;
    this.#wantedLast = wantedLast;
    this.#metrics = metrics;
    this.#tokens = new TokenSaturation(options);
    this.queries = recordedQueries((monitoring, now) => {
      const collector = new ReplicaCollector(monitoring, now);
      for (const { model, namespace } of targets) {
        collector.replicas(model, namespace, () => undefined);
        if (options.analyzer === "tokens") collector.pickerQueue(model);
        if (options.scaleToZero) collector.finished(model, namespace, options.retention);
      }
    });
  }

  run(view: ControlView): ControlStep {
    const active = this.#targets.filter(({ workload }) => view.scale(workload).specReplicas > 0);
    const decisions = [...groupedByModel(active).values()].flatMap((variants) => this.#decide(variants, view));
    const { gpus, analyzer } = this.#options;
    if (gpus !== undefined && analyzer === "percentage") limitToGpus(decisions, gpus);
    for (const target of active) {
      const decision = decisions.find(({ state }) => state.target === target);
      this.#publish(target, decision, view.scale(target.workload));
    }
    return { scales: [], againAfter: INTERVAL };
  }

  families() {
    return this.#metrics.families();
  }

  /** @param variants of one model in one namespace @returns none where Prometheus tells nothing of them */
  #decide(variants: readonly ControllerTarget[], view: ControlView): readonly VariantDecision[] {
    const { model, namespace } = variants[0] as ControllerTarget;
    const collector = new ReplicaCollector(view.monitoring, view.now);
    const owners = new Map(
      variants.flatMap(({ name, workload }) => view.scale(workload).pods.map((pod) => [pod.name, name] as const)),
    );
    const signals = collector.replicas(model, namespace, (pod) => owners.get(pod));
    if (signals === undefined || signals.length === 0) return [];
    const states = variants.map((target) => stateOf(target, view.scale(target.workload), this.#wantedLast));
    const decisions =
      this.#options.analyzer === "percentage"
        ? this.#bySpare(signals, states)
        : this.#byTokens(this.#tokens.analyse(model, signals, states, collector.pickerQueue(model)), states);
    enforceZero(decisions, this.#options.scaleToZero, () =>
      collector.finished(model, namespace, this.#options.retention),
    );
    return decisions;
  }

  /** Prefill and decode each on its own. */
  #bySpare(signals: readonly ReplicaSignals[], states: readonly VariantState[]): readonly VariantDecision[] {
    const roles = [...new Set(states.map(({ target }) => target.role))].sort();
    return roles.flatMap((role) => {
      const own = states.filter(({ target }) => target.role === role);
      const told = signals.filter(({ variant }) => own.some(({ target }) => target.name === variant));
      const analysis = analyseSpare(told, this.#options);
      const wanted = spareTargets(analysis, own);
      return own.flatMap((state) => {
        const count = wanted.get(state.target.name);
        if (count === undefined) return [];
        const spare = analysis.variants.find(({ name }) => name === state.target.name)?.spareKv ?? 0;
        return [{ state, wanted: count, spare, reason: "saturation-only mode" }];
      });
    });
  }

  #byTokens(analysis: TokenAnalysis, states: readonly VariantState[]): readonly VariantDecision[] {
    const wanted = costAware(analysis, states);
    return states.map((state) => {
      const variant = analysis.variants.find(({ target }) => target === state.target);
      const capacity = variant === undefined ? 0 : variant.ready * variant.perReplica;
      const spare = capacity > 0 && variant !== undefined ? 1 - variant.demand / capacity : 1;
      return { state, wanted: wanted.get(state.target.name) as number, spare, reason: "V2" };
    });
  }

  /** Without a decision what was wanted stands, else what there is (applySaturationDecisions). */
  #publish(target: ControllerTarget, decision: VariantDecision | undefined, scale: ScaleView): void {
    const last = this.#wantedLast.get(target.name) ?? 0;
    const wanted = decision?.wanted ?? (last > 0 ? last : scale.specReplicas);
    if (target.kind === "crd") this.#wantedLast.set(target.name, wanted);
    this.#metrics.set(target, scale.statusReplicas, wanted);
    if (decision !== undefined && wanted !== decision.state.current) {
      this.#metrics.count(target, wanted > decision.state.current ? "scale-up" : "scale-down", decision.reason);
    }
  }
}

/** BuildVariantStates */
const stateOf = (target: ControllerTarget, scale: ScaleView, wantedLast: WantedLast): VariantState => {
  const current = scale.statusReplicas > 0 ? scale.statusReplicas : scale.specReplicas;
  const ready = scale.pods.filter((pod) => pod.ready === true && !pod.deleting).length;
  return { target, current, desired: wantedLast.get(target.name) ?? 0, pending: Math.max(0, current - ready) };
};

const groupedByModel = (targets: readonly ControllerTarget[]): ReadonlyMap<string, ControllerTarget[]> => {
  const groups = new Map<string, ControllerTarget[]>();
  for (const target of targets) {
    const key = `${target.model}|${target.namespace}`;
    groups.set(key, [...(groups.get(key) ?? []), target]);
  }
  return groups;
};
