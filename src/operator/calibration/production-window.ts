import { durationSeconds } from "../../model/duration.ts";
import { bad, good, type Result } from "../../model/problem.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { StoredObject } from "../../store/store.ts";
import { selectorOf } from "../../twin/mirror.ts";
import { type EngineFitTask, unfittable } from "../../worker/calibration/fit-engine.ts";
import { type FittedStart, fitStart } from "../../worker/calibration/fit-start.ts";
import { readBlocks, windowProblem } from "../../worker/calibration/production-blocks.ts";
import { PrometheusError } from "../../worker/prometheus-api.ts";
import { tokenFileFor } from "../production-traffic.ts";
import { type ReadParts, read } from "../read.ts";
import { replayOf } from "./replay-of.ts";

export interface ProductionWindow extends EngineFitTask {
  /** As the window is simulated once more. */
  readonly simulation: InferenceSimulation;
  /** Unix time at which the window ended. */
  readonly untilSeconds: number;
  /** How long pods took to start before that. Left out: too few did, or nobody told of them. */
  readonly start?: FittedStart;
}

/** What a simulation's engine is fitted to: a window of production's traffic, and its histograms over it. */
export const readProductionWindow = async (
  stored: StoredObject,
  parts: ReadParts,
): Promise<Result<ProductionWindow>> => {
  const found = await read({ ...stored, object: replayOf(stored.object) }, parts);
  if (!found.ok) return found;
  const { scenario, simulation } = found.value;
  const said = simulation.spec.workload.prometheus;
  const startSeconds = scenario.startUnixSeconds;
  if (said === undefined || startSeconds === undefined) throw new Error("a replay has a window");
  const seconds = durationSeconds(said.window);
  const problem = unfittable(scenario) ?? windowProblem(seconds, said.window);
  if (problem !== undefined) return bad(problem);
  const tokenFile = tokenFileFor(said.url, parts.tokens ?? []);
  const asked = {
    access: { url: said.url, ...(tokenFile === undefined ? {} : { tokenFile }) },
    selector: selectorOf(said, simulation.metadata.namespace),
  };
  const untilSeconds = startSeconds + seconds;
  try {
    const blocks = await readBlocks({
      ...asked,
      models: scenario.workloads.map(({ modelName }) => modelName),
      startSeconds,
      seconds,
      maxReplicas: parts.limits.maxReplicas,
    });
    if (!blocks.ok) return blocks;
    const start = await fitStart({ ...asked, workloads: scenario.workloads, untilSeconds });
    const window = { simulation, scenario, blocks: blocks.value, untilSeconds };
    return good(start === undefined ? window : { ...window, start }, found.warnings);
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    const { reason, message, fix } = error;
    return bad({ severity: "error", field: "spec.workload.prometheus", reason, message, fix });
  }
};
