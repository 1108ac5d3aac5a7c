import { DEFAULT_KUBERNETES_MINOR, type HpaSpec } from "../../controlplane/hpa/spec.ts";
import { hpaOf, triggersOf } from "../../controlplane/keda/hpa-of.ts";
import { scaledObjectProblems } from "../../controlplane/keda/problems.ts";
import type { GivenSpec, ScaledObjectSpec, TriggerSpec } from "../../controlplane/keda/spec.ts";
import { timeZones } from "../../controlplane/keda/time-zones.ts";
import { durationOf } from "../../model/duration.ts";
import { objectText } from "../../model/object-text.ts";
import type { Problem } from "../../model/problem.ts";
import { parseQuery, typeOf } from "../../promql/index.ts";
import { nearest } from "../../schema/nearest.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, type Ledger, overridden } from "../ledger.ts";
import type { ScaledObjectReading } from "../reader.ts";
import { queryProblems } from "./query-problems.ts";
import { unixSecondsOf } from "./start-time.ts";

type Overrides = NonNullable<SimulationSpec["overrides"]["autoscaler"]>;
type GivenTrigger = NonNullable<Overrides["triggers"]>[number];

export interface MirroredScaledObject {
  readonly keda: ScaledObjectSpec;
  /** The HPA that KEDA keeps for it. */
  readonly hpa: HpaSpec;
}

/**
 * A ScaledObject with what the simulation says of its triggers. What KEDA would refuse, and what can't be simulated without
 * being said, are errors at their fields.
 *
 * @param recorded names of series that rules record
 * @returns undefined if there are any
 */
export const mirrorScaledObject = (
  { ref, keda: read }: ScaledObjectReading,
  { overrides: { autoscaler = {} } }: SimulationSpec,
  recorded: readonly string[],
  ledger: Ledger,
): MirroredScaledObject | undefined => {
  const path = `autoscalers[${ref.name}]`;
  const object = objectText(ref);
  const startUnixSeconds = startOf(autoscaler, read, path, ledger);
  const keda: ScaledObjectSpec = {
    ...read,
    triggers: withGiven(read, autoscaler.triggers ?? [], path, ledger),
    ...(startUnixSeconds === undefined ? {} : { startUnixSeconds }),
  };
  const problems = scaledObjectProblems(keda).map((problem) => withFix(problem, keda));
  ledger.add(problems, { object });
  keda.triggers.forEach((trigger, index) => {
    if (trigger.given === undefined)
      ledger.add(problemsOfQuery(trigger, recorded), { object, field: queryField(index) });
  });
  const triggers = triggersOf(keda);
  if (!triggers.ok || problems.some(({ severity }) => severity === "error")) return undefined;
  const kubernetesMinor = ledger.use(
    `${path}.kubernetesMinor`,
    defaulted(DEFAULT_KUBERNETES_MINOR, `the controller of Kubernetes v1.${DEFAULT_KUBERNETES_MINOR}`),
  );
  return { keda, hpa: hpaOf(keda, triggers.value, kubernetesMinor) };
};

const queryField = (index: number): string => `spec.triggers[${index}].metadata.query`;

const problemsOfQuery = ({ type, metadata }: TriggerSpec, recorded: readonly string[]): readonly Problem[] => {
  const { query } = metadata;
  if (type !== "prometheus" || query === undefined || query.trim() === "") return [];
  const parsed = parseQuery(query);
  const problems = queryProblems(query, {}, recorded);
  if (!parsed.ok || typeOf(parsed.expr) === "instant vector") return problems;
  const message = `gives a ${typeOf(parsed.expr)}, which KEDA can't read: every poll fails`;
  return [
    ...problems,
    { severity: "error", reason: "BadQuery", message, fix: "make it an instant vector, with vector(…) or sum(…), say" },
  ];
};

/** What is to be set in the simulation, where it is the simulation that can help. */
const withFix = (problem: Problem, { name, triggers }: ScaledObjectSpec): Problem => {
  const index = Number(/^spec\.triggers\[(\d+)\]/.exec(problem.field ?? "")?.[1] ?? -1);
  switch (problem.reason) {
    case "TriggerNotSimulated": {
      const fix = `say what it measures in spec.overrides.autoscaler.triggers: {autoscaler: ${name}, index: ${index}, value: …, target: …}`;
      return { ...problem, fix };
    }
    case "NoStartTime":
      return { ...problem, fix: 'set spec.overrides.autoscaler.startTime, such as "2026-01-05T08:00:00Z"' };
    default: {
      if (!problem.field?.endsWith(".metadata.timezone")) return problem;
      const near = nearest(triggers[index]?.metadata.timezone ?? "", [...timeZones().keys()]);
      return near === undefined ? problem : { ...problem, message: `${problem.message}; did you mean ${near}?` };
    }
  }
};

const startOf = (
  { startTime }: Overrides,
  { triggers }: ScaledObjectSpec,
  path: string,
  ledger: Ledger,
): number | undefined => {
  const said = overridden(startTime, "overrides.autoscaler.startTime");
  if (said === undefined || !triggers.some(({ type }) => type === "cron")) return undefined;
  return unixSecondsOf(ledger.use(`${path}.startTime`, said));
};

const withGiven = (
  { name, triggers }: ScaledObjectSpec,
  said: readonly GivenTrigger[],
  path: string,
  ledger: Ledger,
): readonly TriggerSpec[] =>
  triggers.map((trigger, index) => {
    const at = said.findIndex(
      (given) =>
        (given.autoscaler === undefined || given.autoscaler === name) &&
        (given.index === index || (given.name !== undefined && given.name === trigger.name)),
    );
    const given = said[at];
    if (given === undefined) return trigger;
    const spec = givenSpec(given);
    const field = `overrides.autoscaler.triggers[${at}]`;
    const shown = spec.series.map(({ afterMicros, value }) => `${value} from ${afterMicros / 1e6} s`).join(", ");
    ledger.use(`${path}.triggers[${index}].measures`, {
      value: shown,
      from: { kind: "override", field: `spec.${field}` },
    });
    return { ...trigger, given: spec };
  });

const givenSpec = ({ value, series, target, activation }: GivenTrigger): GivenSpec => ({
  series:
    value === undefined
      ? (series ?? []).map((step) => ({ afterMicros: durationOf(step.after), value: step.value }))
      : [{ afterMicros: 0, value }],
  ...(target === undefined ? {} : { target }),
  ...(activation === undefined ? {} : { activation }),
});

/** Entries of the override that mean no trigger of any autoscaler here. */
export const unusedTriggers = (
  readings: readonly ScaledObjectReading[],
  { overrides }: SimulationSpec,
  ledger: Ledger,
): void => {
  (overrides.autoscaler?.triggers ?? []).forEach(({ autoscaler, index, name }, at) => {
    const meant = readings.some(
      ({ ref, keda: { triggers } }) =>
        (autoscaler === undefined || autoscaler === ref.name) &&
        triggers.some((trigger, i) => i === index || (name !== undefined && trigger.name === name)),
    );
    if (meant) return;
    const all = readings.flatMap(({ ref, keda: { triggers } }) =>
      triggers.map((trigger, i) => `${ref.name} ${trigger.name ?? i}`),
    );
    ledger.error({
      reason: "NoSuchTrigger",
      field: `spec.overrides.autoscaler.triggers[${at}]`,
      message: "no ScaledObject of the simulation has such a trigger",
      fix: all.length === 0 ? "drop it" : `name one of ${all.join(", ")}`,
    });
  });
};
