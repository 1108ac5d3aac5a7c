import { readProductionWindow } from "../../operator/calibration/production-window.ts";
import { UNTIL_READY_PHASES } from "../../schema/spec-rules.ts";
import { type EngineFit, fitEngine } from "../../worker/calibration/fit-engine.ts";
import type { FittedStart } from "../../worker/calibration/fit-start.ts";
import { BadInput, usageError } from "../exit.ts";
import { simulationsIn, storeOfFiles } from "../inputs.ts";
import { type LimitOptions, limitsOf } from "../limit-options.ts";
import type { UrlOptions } from "../url-options.ts";

export interface CalibrateOptions extends LimitOptions, UrlOptions {
  readonly filename: readonly string[];
  readonly simulation?: string;
  readonly output?: string;
}

export interface CalibratedDeployment extends EngineFit {
  /** `namespace/name` of the simulation. */
  readonly name: string;
  /** For `spec.overrides.engine.latencyCorrections`: what was said there before, with what was fitted. */
  readonly block: Readonly<Record<string, number>>;
  /** Left out: too few pods started, or nobody told of them. */
  readonly start?: FittedStart;
  /** Phases that `spec.overrides.start` says, in whose place what was fitted stands. */
  readonly startPhases: readonly string[];
}

/** Fits one simulation's engine to production's histograms over the window that it names. @throws BadInput */
export const calibrateDeployment = async (
  options: CalibrateOptions,
  told: () => void,
): Promise<CalibratedDeployment> => {
  const store = storeOfFiles(options.filename);
  const [stored, ...others] = simulationsIn(store, options.simulation);
  if (stored === undefined || others.length > 0)
    throw usageError("one InferenceSimulation is calibrated at a time", "choose it with --simulation");
  const window = await readProductionWindow(stored, {
    store,
    limits: limitsOf(options),
    allowedUrls: options.allowUrl,
    tokens: options.prometheusTokenFile,
  });
  if (!window.ok) throw new BadInput(window.problems);
  const { scenario, simulation, start } = window.value;
  const fitted = fitEngine(window.value, told);
  if (fitted.kind === "problem") throw new BadInput([fitted.problem]);
  const { overrides } = simulation.spec;
  const before = overrides.engine?.latencyCorrections ?? {};
  const startPhases = UNTIL_READY_PHASES.filter((name) => name in (overrides.start ?? {}));
  const block = { ...before, ...fitted.fit.corrections } as CalibratedDeployment["block"];
  const found = { ...fitted.fit, name: scenario.simulation, block, startPhases };
  return start === undefined ? found : { ...found, start };
};
