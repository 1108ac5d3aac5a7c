import { describeProblem } from "../../model/problem.ts";
import type { SimulationStatus } from "../../schema/simulation-status.ts";
import type { ObjectEvent } from "../../store/store.ts";
import type { Found } from "./found.ts";
import type { HeldCalibration } from "./held-calibration.ts";

const TYPE = "Calibrated";

/** The condition `Calibrated`. */
export const calibratedCondition = (held: HeldCalibration, now: Date) => {
  const said = (status: "True" | "False" | "Unknown", reason: string, message: string) => ({
    type: TYPE,
    status,
    reason,
    message: message.slice(0, 4096),
  });
  const { found, problem, inputDigest, running, dueMillis } = held;
  if (found !== undefined && found.inputDigest === inputDigest) {
    const since = problem === undefined ? "" : `; the last attempt to fit again: ${describeProblem(problem)}`;
    return said("True", "Fitted", `${describeFound(found)}${since}`);
  }
  const meanwhile = found === undefined ? "" : "; what was fitted before the mirrored objects changed is in use";
  if (problem !== undefined) return said("False", problem.reason, `${describeProblem(problem)}${meanwhile}`);
  if (running === undefined && now.getTime() < dueMillis) {
    const message = `the mirrored objects changed: fitted again when a whole window tells of them${meanwhile}`;
    return said("Unknown", "WaitingForWindow", message);
  }
  return said("Unknown", "Fitting", `the engine is being fitted to production${meanwhile}`);
};

const describeFound = ({ values, requests, windowSeconds, starts, until }: Found): string => {
  const all = values.map(({ name, after, low, high }) => `${name} ${after} (${low} to ${high})`).join(", ");
  const started = starts === 0 ? "" : `, and to the starts of ${starts} pods`;
  return `fitted to ${requests} requests in ${Math.round(windowSeconds / 60)} min until ${until}${started}: ${all}`;
};

/** What people are told when other values are fitted, or none can be. @returns undefined: nothing */
export const calibrationEvent = (
  before: SimulationStatus | undefined,
  after: SimulationStatus,
): ObjectEvent | undefined => {
  const [old, now] = [before, after].map((status) => status?.conditions.find(({ type }) => type === TYPE));
  if (now === undefined || now.status === "Unknown") return undefined;
  const { reason, message } = now;
  if (now.status === "True") {
    const isNews = JSON.stringify(before?.calibration?.values) !== JSON.stringify(after.calibration?.values);
    return isNews ? { type: "Normal", reason: TYPE, message } : undefined;
  }
  return old?.status === "False" && old.reason === reason ? undefined : { type: "Warning", reason, message };
};
