import { durationSeconds } from "../../model/duration.ts";
import { bad, good, type Result } from "../../model/problem.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { StoredObject } from "../../store/store.ts";
import { selectorOf } from "../../twin/mirror.ts";
import { type EngineFitTask, unfitted } from "../../worker/calibration/fit-engine.ts";
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
  const problem = unfitted(scenario) ?? windowProblem(seconds, said.window);
  if (problem !== undefined) return bad(problem);
  const tokenFile = tokenFileFor(said.url, parts.tokens ?? []);
  try {
    const blocks = await readBlocks({
      access: { url: said.url, ...(tokenFile === undefined ? {} : { tokenFile }) },
      selector: selectorOf(said, simulation.metadata.namespace),
      models: scenario.workloads.map(({ modelName }) => modelName),
      startSeconds,
      seconds,
      maxReplicas: parts.limits.maxReplicas,
    });
    return blocks.ok
      ? good({ simulation, scenario, blocks: blocks.value, untilSeconds: startSeconds + seconds }, found.warnings)
      : blocks;
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    const { reason, message, fix } = error;
    return bad({ severity: "error", field: "spec.workload.prometheus", reason, message, fix });
  }
};
