import { bad, good, type Problem, type Result } from "../../model/problem.ts";
import type { SimTime } from "../../sim/time.ts";
import { externalTarget } from "./external-target.ts";
import { floatMilli } from "./float-quantity.ts";
import { OTHER_TRIGGERS } from "./known-triggers.ts";
import { entriesOf } from "./metadata.ts";
import type { GivenSpec } from "./spec.ts";
import { metricNameOf, type Scaler, type Trigger, type TriggerContext, triggerProblem } from "./trigger.ts";
import { triggerTypes } from "./triggers/index.ts";

/** Builds a trigger, or says at its fields what KEDA would refuse and what isn't simulated. */
export const triggerOf = (context: TriggerContext): Result<Trigger> => {
  const { said } = context;
  const built = builtBy(context);
  if (!built.ok || said.given === undefined || built.value.scaler === undefined) return built;
  return good({ ...built.value, scaler: givenScaler(said.given, said.given.activation ?? built.value.activation) });
};

const builtBy = (context: TriggerContext): Result<Trigger> => {
  const type = triggerTypes.find(({ name }) => name === context.said.type);
  if (type === undefined) return otherTrigger(context);
  const params = type.params.safeParse(entriesOf(context.said.metadata));
  if (params.success) return type.create(params.data as never, context);
  const problems = params.error.issues.map(
    ({ path, message }): Problem => triggerProblem(["metadata", ...path].join("."), message),
  );
  return { ok: false, problems };
};

/** One that isn't simulated: it measures what the simulation gives it, against a target that it is given, too. */
const otherTrigger = ({ index, said }: TriggerContext): Result<Trigger> => {
  const { type, given } = said;
  if (!OTHER_TRIGGERS.includes(type)) {
    const fix = `write one of KEDA's, such as ${triggerTypes.map(({ name }) => name).join(", ")}`;
    return bad(triggerProblem("type", `no scaler found for type: ${type}`, fix));
  }
  if (given?.target === undefined) {
    return bad({
      ...triggerProblem("type", `what a trigger of type ${type} measures is not simulated`),
      reason: "TriggerNotSimulated",
    });
  }
  const target = externalTarget(said.metricType, floatMilli(given.target), "metricType");
  if (!target.ok) return target;
  return good({
    metric: { type: "External", metric: metricNameOf(index, type), selector: {}, target: target.value },
    activation: given.activation ?? 0,
    scaler: givenScaler(given, given.activation ?? 0),
  });
};

const givenScaler = (given: GivenSpec, activation: number): Scaler => {
  const series = [...given.series].sort((a, b) => a.afterMicros - b.afterMicros);
  const valueAt = (now: SimTime): number => series.findLast(({ afterMicros }) => afterMicros <= now)?.value ?? 0;
  return {
    queries: [],
    measure: ({ now }) => {
      const value = valueAt(now);
      return { ok: true, milli: floatMilli(value), active: value > activation };
    },
  };
};
