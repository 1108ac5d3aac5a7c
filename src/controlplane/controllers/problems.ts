import type { Problem } from "../../model/problem.ts";
import type { ControllerTarget } from "../controller.ts";
import { plannerProblems } from "./dynamo-planner.ts";
import type { ControllerSaid } from "./index.ts";

/** What a controller's parameters would be refused for, though each on its own is right. Fields are its parameters. */
export const controllerProblems = (
  said: ControllerSaid,
  targets: readonly ControllerTarget[],
): readonly Omit<Problem, "severity">[] => {
  switch (said.name) {
    case "dynamo-planner":
      return plannerProblems(said, targets);
    case "wva":
      return [...bounds(said), ...spares(said), ...limiter(said)];
    case "blis-autoscaler":
      return bounds(said);
    default:
      return said satisfies never;
  }
};

/** Otherwise what is too much for one is too little for the other. */
const bounds = (said: Extract<ControllerSaid, { name: "wva" | "blis-autoscaler" }>) => {
  const { scaleUpThreshold, scaleDownBoundary } = said;
  if (scaleUpThreshold > scaleDownBoundary) return [];
  const message = `must be less than scaleUpThreshold, which is ${scaleUpThreshold}`;
  return [{ reason: "BadThreshold", field: "scaleDownBoundary", message, fix: "lower it, or raise the other" }];
};

const spares = ({ kvCacheThreshold, kvSpareTrigger }: Extract<ControllerSaid, { name: "wva" }>) => {
  if (kvCacheThreshold >= kvSpareTrigger) return [];
  const message = `must be at most kvCacheThreshold, which is ${kvCacheThreshold}`;
  return [{ reason: "BadThreshold", field: "kvSpareTrigger", message, fix: "lower it, or raise the other" }];
};

const limiter = ({ analyzer, gpus }: Extract<ControllerSaid, { name: "wva" }>) => {
  if (analyzer === "percentage" || gpus === undefined) return [];
  const message = "the limited optimizer of analyzer tokens is not simulated";
  return [{ reason: "NotModelled", field: "gpus", message, fix: "leave gpus out, or set analyzer to percentage" }];
};
