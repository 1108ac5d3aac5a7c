import { durationOf } from "../../model/duration.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { type Ledger, ownField } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { RolloutScenario } from "../scenario.ts";

/** When a workload's template changes, and how pods follow; undefined where it never does. */
export const mirrorRollouts = (
  { ref, strategy }: WorkloadReading,
  { mirror, rollouts = [] }: SimulationSpec,
  simulation: string,
  ledger: Ledger,
): RolloutScenario | undefined => {
  const first = mirror.workloads[0]?.name;
  const own = rollouts.map((one, index) => ({ ...one, index })).filter(({ workload = first }) => workload === ref.name);
  if (own.length === 0) return undefined;
  if (strategy === undefined) {
    return ledger.error({
      reason: "NotModelled",
      object: objectText(ref),
      field: `spec.rollouts[${own[0]?.index}]`,
      message: `rollouts of a ${ref.kind} are not simulated`,
      fix: "leave it out, or mirror a Deployment",
    });
  }
  const path = `workloads[${ref.name}].rollouts`;
  const { value, from } = strategy;
  const shown = value.type === "Recreate" ? value.type : `surge ${value.maxSurge}, unavailable ${value.maxUnavailable}`;
  ledger.use(`${path}.strategy`, { value: shown, from });
  const at = own.map(({ at: when, index }) =>
    durationOf(ledger.use(`${path}[${index}].at`, ownField(when, simulation, `rollouts[${index}].at`))),
  );
  return { strategy: value, atMicros: at.toSorted((a, b) => a - b) };
};

/** Rollouts of workloads that the simulation doesn't mirror. */
export const refuseUnknownRollouts = ({ mirror, rollouts = [] }: SimulationSpec, ledger: Ledger): void => {
  const names = mirror.workloads.map(({ name }) => name);
  rollouts.forEach(({ workload }, index) => {
    if (workload === undefined || names.includes(workload)) return;
    ledger.error({
      reason: "UnknownTarget",
      field: `spec.rollouts[${index}].workload`,
      message: `there is no workload ${workload}`,
      fix: `name one of ${names.join(", ")}`,
    });
  });
};
