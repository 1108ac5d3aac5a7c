import type { HpaSpec } from "../../../src/controlplane/hpa/spec.ts";
import { hpaOf, triggersOf } from "../../../src/controlplane/keda/hpa-of.ts";
import { KEDA_DEFAULTS, type ScaledObjectSpec, type TriggerSpec } from "../../../src/controlplane/keda/spec.ts";
import type { MonitoringServer, QueryAnswer } from "../../../src/controlplane/monitoring-server.ts";

export const NO_ANNOTATIONS: ScaledObjectSpec["annotations"] = {
  paused: false,
  pausedScaleIn: false,
  pausedScaleOut: false,
  forceActivation: false,
};

/** A prometheus trigger whose query is its name, and whose threshold is 10. */
export const asks = (
  name: string,
  metadata: Readonly<Record<string, string>> = {},
  change: Partial<TriggerSpec> = {},
): TriggerSpec => ({
  type: "prometheus",
  name,
  useCachedMetrics: false,
  metadata: { serverAddress: "http://prometheus:9090", query: name, threshold: "10", ...metadata },
  ...change,
});

export const scaledObject = (change: Partial<ScaledObjectSpec> = {}): ScaledObjectSpec => ({
  namespace: "inference",
  name: "chat",
  targetKind: "apps/v1.Deployment",
  workload: "chat",
  hpaName: "keda-hpa-chat",
  ...KEDA_DEFAULTS,
  triggers: [asks("waiting")],
  annotations: NO_ANNOTATIONS,
  activeBefore: false,
  ...change,
});

export const hpa = (change: Partial<ScaledObjectSpec> = {}): HpaSpec => {
  const spec = scaledObject(change);
  const triggers = triggersOf(spec);
  if (!triggers.ok) throw new Error(triggers.problems.map(({ field, message }) => `${field}: ${message}`).join("\n"));
  return hpaOf(spec, triggers.value, 36);
};

export const REFUSED: QueryAnswer = { ok: false, why: "refused", message: "bad_data" };
export const UNREACHABLE: QueryAnswer = { ok: false, why: "unreachable", message: "context deadline exceeded" };

/** What each query answers: a number is one element, a list as many, anything else itself. */
export type Answers = Readonly<Record<string, number | readonly number[] | QueryAnswer>>;

export const monitoringOf = (answers: Answers): MonitoringServer => ({
  query: (text) => {
    const said = answers[text];
    if (said === undefined) return { ok: true, type: "vector", elements: [] };
    if (typeof said !== "number" && !Array.isArray(said)) return said as QueryAnswer;
    const values = typeof said === "number" ? [said] : (said as readonly number[]);
    return { ok: true, type: "vector", elements: values.map((value) => ({ labels: {}, value })) };
  },
  series: () => ({ ok: true, series: [] }),
});
