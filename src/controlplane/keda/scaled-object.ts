import { invariant } from "../../sim/invariant.ts";
import type { MetricValue, ScaleView } from "../autoscaler.ts";
import { type Formula, formula } from "../expr/formula.ts";
import type { HpaMetric } from "../hpa/spec.ts";
import { type Answered, Fallback } from "./fallback.ts";
import { truncatedMilli } from "./float-quantity.ts";
import { triggersOf } from "./hpa-of.ts";
import { type PublishedKey, PublishedMetrics, scalerNameOf } from "./published.ts";
import { COMPOSITE_METRIC, type ScaledObjectSpec } from "./spec.ts";
import type { Measured, Scaler, TriggerView } from "./trigger.ts";

/** What KEDA can see when it asks an object's triggers. */
export interface ScaledObjectView extends TriggerView {
  readonly scale: ScaleView;
}

/** What one poll of the triggers comes to. */
export interface ScaledObjectState {
  readonly active: boolean;
  /** Some trigger failed, and no fallback covers it. */
  readonly error: boolean;
  /** Names of the metrics that are active. */
  readonly activeTriggers: readonly string[];
}

/** A trigger that KEDA measures itself. */
interface ExternalTrigger {
  readonly name: string | undefined;
  readonly metric: Extract<HpaMetric, { type: "External" }>;
  readonly scaler: Scaler;
  readonly useCachedMetrics: boolean;
  readonly key: PublishedKey;
}

/** What the last poll left for whoever asks between polls. */
interface MetricRecord {
  readonly answered: Answered;
  readonly active: boolean;
}

/**
 * What KEDA's operator keeps of one ScaledObject: asked by the HPA through `metrics`, by the activation loop through `poll`.
 * Source: pkg/scaling/scale_handler.go, kedacore/keda v2.20 (GetScaledObjectMetrics, getScaledObjectState, getScalerState) and
 * pkg/scaling/modifiers/formula.go. Triggers that KEDA asks side by side are asked in their order here.
 */
export class ScaledObject {
  readonly spec: ScaledObjectSpec;
  readonly #external: readonly ExternalTrigger[];
  readonly #fallback: Fallback;
  readonly #formula: Formula | undefined;
  readonly #records = new Map<string, MetricRecord>();
  /** How many elements each query's last answer had. */
  readonly #elements = new Map<string, number>();
  /** Of cpu and memory, which the HPA measures by itself. */
  readonly #resources: readonly PublishedKey[];
  readonly published = new PublishedMetrics();

  /** @param spec its triggers and its formula are right: `scaledObjectProblems` finds nothing */
  constructor(spec: ScaledObjectSpec) {
    this.spec = spec;
    const triggers = triggersOf(spec);
    invariant(triggers.ok, "triggers that were checked");
    this.#external = triggers.value.flatMap(({ metric, scaler }, index) => {
      const said = spec.triggers[index];
      if (metric.type !== "External" || scaler === undefined || said === undefined) return [];
      const key = { scaler: scalerNameOf(said), triggerIndex: index, metric: metric.metric };
      return [{ name: said.name, metric, scaler, useCachedMetrics: said.useCachedMetrics, key }];
    });
    this.#resources = triggers.value.flatMap(({ metric }, triggerIndex) => {
      const said = spec.triggers[triggerIndex];
      if (said === undefined || (metric.type !== "Resource" && metric.type !== "ContainerResource")) return [];
      return [{ scaler: scalerNameOf(said), triggerIndex, metric: metric.resource }];
    });
    this.#fallback = new Fallback(spec);
    this.#formula = formulaOf(spec);
  }

  /** All that its triggers ask a monitoring server. */
  get queries(): readonly string[] {
    return this.#external.flatMap(({ scaler }) => scaler.queries);
  }

  get fallbackActive(): boolean {
    return this.#fallback.active;
  }

  /** What the metrics server answers the HPA; undefined: an error. */
  metrics(name: string, view: ScaledObjectView): readonly MetricValue[] | undefined {
    return this.#valuesOf(name, view, (trigger) => {
      const record = trigger.useCachedMetrics ? this.#records.get(trigger.metric.metric) : undefined;
      const measured = record === undefined ? this.#measure(trigger, view) : measuredOf(record);
      const answered = this.#answer(trigger, measured, view);
      this.published.counted(trigger.key, !answered.ok);
      this.published.objectCounted(!answered.ok);
      return answered;
    });
  }

  /** Of the last answer to a metric's query; undefined: it wasn't asked. */
  elementsOf(metric: string): number | undefined {
    return this.#elements.get(metric);
  }

  #measure({ scaler, name = "", key }: ExternalTrigger, view: ScaledObjectView): Measured {
    const measured = scaler.measure(view);
    if (scaler.queries.length > 0) {
      const several = measured.ok ? undefined : measured.elements;
      this.#elements.set(key.metric, several ?? (measured.empty === true ? 0 : 1));
    }
    // After an error KEDA asks once more.
    if (measured.empty) this.published.foundNothing(name, key.metric, measured.ok, measured.ok ? 1 : 2);
    return measured;
  }

  #answer({ metric: { metric, target }, key }: ExternalTrigger, measured: Measured, view: ScaledObjectView): Answered {
    const answered = this.#fallback.answer(metric, target, measured, view.scale);
    if (answered.ok) this.published.measured(key, answered.milli);
    return answered;
  }

  /** What a metric is by what can be seen, without cache and fallback; nothing is counted or remembered. */
  look(name: string, view: ScaledObjectView): readonly MetricValue[] | undefined {
    return this.#valuesOf(name, view, ({ scaler }) => {
      const measured = scaler.measure(view);
      return measured.ok ? { ok: true, milli: measured.milli, fallback: false } : measured;
    });
  }

  #valuesOf(
    name: string,
    view: ScaledObjectView,
    answerOf: (trigger: ExternalTrigger) => Answered,
  ): readonly MetricValue[] | undefined {
    const composite = this.spec.scalingModifiers !== undefined;
    const asked = this.#external.filter(({ metric }) => composite || equalFold(metric.metric, name));
    if (asked.length === 0) return undefined;
    const answers = asked.map(answerOf);
    const fallback = answers.some((answer) => answer.ok && answer.fallback);
    if (!fallback && answers.some(({ ok }) => !ok)) return undefined;
    const values = composite ? this.#composite(asked, answers) : answers.flatMap((one) => (one.ok ? [one.milli] : []));
    if (values.length === 0) return undefined;
    return values.map((valueMilli) => ({ valueMilli, at: view.now, windowSeconds: 0 }));
  }

  /** Asks all triggers, and keeps what the metrics server may answer from. */
  poll(view: ScaledObjectView): ScaledObjectState {
    const polled = this.#external.map((trigger) => this.#pollOne(trigger, view));
    const error = polled.some(({ answered }) => !answered.ok);
    const state = this.spec.scalingModifiers === undefined ? activeOf(polled) : this.#compositeState(polled, error);
    if (this.spec.scalingModifiers === undefined) for (const key of this.#resources) this.published.activity(key, true);
    // Of cpu and memory alone there is no telling, so that the object counts as active.
    const onlyResources = this.#external.length === 0;
    return { ...state, active: onlyResources && !error ? true : state.active, error };
  }

  #pollOne(trigger: ExternalTrigger, view: ScaledObjectView): Polled {
    const { metric } = trigger.metric;
    const measured = this.#measure(trigger, view);
    const answered = this.#answer(trigger, measured, view);
    const active = (measured.ok && measured.active) || (answered.ok && answered.fallback);
    this.published.counted(trigger.key, false);
    this.published.objectCounted(!answered.ok);
    if (answered.ok && this.spec.scalingModifiers === undefined) this.published.activity(trigger.key, active);
    if (trigger.useCachedMetrics) this.#records.set(metric, { answered, active });
    return { trigger, answered, active: active && answered.ok };
  }

  #compositeState(polled: readonly Polled[], error: boolean): Pick<ScaledObjectState, "active" | "activeTriggers"> {
    const [value] = this.#composite(
      polled.map(({ trigger }) => trigger),
      polled.map(({ answered }) => answered),
    );
    const above = Number(this.spec.scalingModifiers?.activationTarget ?? "0");
    const active = !error && value !== undefined && Number(value) / 1000 > above;
    if (!error && value !== undefined) {
      this.published.measured(COMPOSITE_KEY, value);
      this.published.activity(COMPOSITE_KEY, active);
    }
    return { active, activeTriggers: active ? [COMPOSITE_METRIC] : [] };
  }

  /** @returns the composite metric in thousandths; none if the formula fails, which KEDA notes in its log alone */
  #composite(triggers: readonly ExternalTrigger[], answers: readonly Answered[]): readonly bigint[] {
    const instead = answers.find((answer) => answer.ok && answer.fallback);
    if (instead?.ok) return [instead.milli];
    const values = triggers.flatMap(({ name, metric }, i): [string, number | null][] => {
      const answer = answers[i];
      if (answer === undefined || !answer.ok) return [];
      const isNil = this.spec.fallback?.behavior === "scalingModifiers" && this.#fallback.exceeded(metric.metric);
      return [[name ?? "", isNil ? null : Number(answer.milli) / 1000]];
    });
    const result = this.#formula?.run(Object.fromEntries(values));
    switch (result?.kind) {
      case "value":
        return [truncatedMilli(result.value)];
      case "nil":
        return this.#ofNil();
      default:
        return [];
    }
  }

  /** The fallback's replicas, each at the target. */
  #ofNil(): readonly bigint[] {
    const { fallback, scalingModifiers } = this.spec;
    if (fallback === undefined || scalingModifiers === undefined) return [];
    return [truncatedMilli(fallback.replicas * Number(scalingModifiers.target))];
  }
}

const COMPOSITE_KEY: PublishedKey = { scaler: COMPOSITE_METRIC, triggerIndex: 0, metric: COMPOSITE_METRIC };

interface Polled {
  readonly trigger: ExternalTrigger;
  readonly answered: Answered;
  readonly active: boolean;
}

const activeOf = (polled: readonly Polled[]): Pick<ScaledObjectState, "active" | "activeTriggers"> => {
  const activeTriggers = polled.filter(({ active }) => active).map(({ trigger }) => trigger.metric.metric);
  return { active: activeTriggers.length > 0, activeTriggers };
};

const measuredOf = ({ answered, active }: MetricRecord): Measured =>
  answered.ok ? { ok: true, milli: answered.milli, active } : answered;

const formulaOf = ({ scalingModifiers, triggers }: ScaledObjectSpec): Formula | undefined => {
  if (scalingModifiers === undefined) return undefined;
  const compiled = formula(scalingModifiers.formula, formulaNames(triggers), FORMULA_FIELD);
  invariant(compiled.ok, "a formula that was checked");
  return compiled.value;
};

export const FORMULA_FIELD = "spec.advanced.scalingModifiers.formula";

/** Names that a formula may use: those of all triggers that KEDA measures. */
export const formulaNames = (triggers: ScaledObjectSpec["triggers"]): readonly string[] =>
  triggers.flatMap(({ type, name }) => (name === undefined || type === "cpu" || type === "memory" ? [] : [name]));

const equalFold = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
