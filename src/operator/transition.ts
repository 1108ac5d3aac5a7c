import { describeProblem } from "../model/problem.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import type { ObjectEvent } from "../store/store.ts";
import type { Held } from "./held.ts";

/** What people are told when a status changes: of its end or its beginning, not of figures. @returns undefined: nothing */
export const transitionOf = (
  before: SimulationStatus | undefined,
  after: SimulationStatus,
  held: Held,
): ObjectEvent | undefined => {
  // What the status says already is no news.
  if (held.preview?.restore === true) return undefined;
  if (stateOf(before) === stateOf(after) && before?.inputDigest === after.inputDigest) return undefined;
  const message = conditionOf(after, "Ready")?.message ?? "";
  switch (after.phase) {
    case "Failed": {
      const problem = held.problems[0] ?? held.preview?.problem ?? held.shadow?.problem;
      const reason = conditionOf(after, "Stalled")?.reason ?? "Failed";
      return { type: "Warning", reason, message: problem === undefined ? message : describeProblem(problem) };
    }
    case "Succeeded":
      return { type: "Normal", reason: "SimulationCompleted", message };
    case "Following":
      return { type: "Normal", reason: "Following", message };
    case "Mirroring":
      return held.interrupted ? { type: "Normal", reason: "Interrupted", message } : undefined;
    case "Running":
      return undefined;
    default:
      return after.phase satisfies never;
  }
};

const conditionOf = (status: SimulationStatus, type: string) =>
  status.conditions.find((condition) => condition.type === type);

const stateOf = (status: SimulationStatus | undefined): string =>
  status === undefined ? "" : `${status.phase} ${conditionOf(status, "Stalled")?.reason}`;
