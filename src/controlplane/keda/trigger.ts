import { kindOf } from "../../model/plugin.ts";
import type { Problem, Result } from "../../model/problem.ts";
import type { SimTime } from "../../sim/time.ts";
import type { HpaMetric } from "../hpa/spec.ts";
import type { MonitoringServer } from "../monitoring-server.ts";
import type { TriggerSpec } from "./spec.ts";

/** What a trigger can see when it is asked. */
export interface TriggerView {
  readonly now: SimTime;
  readonly monitoring: MonitoringServer;
}

/** `empty`: the query found nothing. `elements`: of its answer, where there are several, of which KEDA takes none. */
export type Measured =
  | { readonly ok: true; readonly milli: bigint; readonly active: boolean; readonly empty?: boolean }
  | { readonly ok: false; readonly message: string; readonly empty?: boolean; readonly elements?: number };

export interface Scaler {
  /** What it asks a monitoring server, ever. */
  readonly queries: readonly string[];
  /** What it asks, it asks now. */
  measure(view: TriggerView): Measured;
}

/** A trigger as KEDA builds it. */
export interface Trigger {
  /** What the HPA gets of it; the selector of an External one is the object's business. */
  readonly metric: HpaMetric;
  /** It is active above this value. */
  readonly activation: number;
  /** undefined: the HPA measures it by itself. */
  readonly scaler: Scaler | undefined;
}

/** What a trigger is made for. */
export interface TriggerContext {
  /** Place in spec.triggers; metric names begin with it. */
  readonly index: number;
  readonly said: TriggerSpec;
  /** Unix time at which the world begins. */
  readonly startUnixSeconds: number | undefined;
}

/**
 * A type of trigger. Its parameters are the entries of the trigger's metadata that KEDA reads, all of them texts; others are
 * passed over. Problems name fields of the trigger, such as `metadata.query`.
 */
export const triggerType = kindOf<TriggerContext, Result<Trigger>>();

/** @returns `s0-prometheus`. Source: GenerateMetricNameWithIndex and NormalizeString, kedacore/keda v2.20. */
export const metricNameOf = (index: number, name: string): string => `s${index}-${name.replace(/[/.:%()]/g, "-")}`;

export const triggerProblem = (field: string, message: string, fix?: string): Problem => ({
  severity: "error",
  reason: "BadTrigger",
  field,
  message,
  ...(fix === undefined ? {} : { fix }),
});
