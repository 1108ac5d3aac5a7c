import { readProductionWindow } from "../../operator/calibration/production-window.ts";
import { type EngineFit, fitEngine } from "../../worker/calibration/fit-engine.ts";
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
  const { scenario, simulation } = window.value;
  const fitted = fitEngine(window.value, told);
  if (fitted.kind === "problem") throw new BadInput([fitted.problem]);
  const before = simulation.spec.overrides.engine?.latencyCorrections ?? {};
  const block = { ...before, ...fitted.fit.corrections } as CalibratedDeployment["block"];
  return { ...fitted.fit, name: scenario.simulation, block };
};
