import type { SimTime } from "../sim/time.ts";
import type { Engine, EngineConfig, EngineListener, EngineTiming } from "./engine.ts";
import { MacroEngine } from "./macro-engine.ts";
import type { Foreseeable } from "./outlook.ts";
import { PipelinedEngine } from "./pipelined-engine.ts";
import { RankedEngine } from "./ranked-engine.ts";

/**
 * One replica's engine, idle at `start`. Ranks over several pipeline stages each are taken apart.
 * @throws RangeError if `configProblems` finds any
 */
export const createEngine = (
  config: EngineConfig,
  timing: EngineTiming,
  listener: EngineListener,
  start: SimTime,
): Engine & Foreseeable => {
  const { ranks = 1, lockstep = false, pipelineStages = 1, mode } = config;
  if (mode === "blis") return new MacroEngine(config, timing, listener, start);
  const Single = pipelineStages > 1 ? PipelinedEngine : MacroEngine;
  const together = lockstep && pipelineStages === 1;
  if (ranks === 1 || together) return new Single(config, timing, listener, start);
  return new RankedEngine(ranks, listener, (told) => new Single({ ...config, ranks: 1 }, timing, told, start));
};
