import { VERSION } from "../../model/version.ts";
import type { SimulationStatus } from "../../schema/simulation-status.ts";
import type { EngineFit } from "../../worker/calibration/fit-engine.ts";

/** What was fitted, as it stands in the status. */
export type Found = NonNullable<SimulationStatus["calibration"]>;

/** @param said what `spec.overrides.engine.latencyCorrections` says: it stays, where nothing else was fitted */
export const calibrationOf = (
  { values, untold, misfit, corrections, requests, seconds }: EngineFit,
  said: Readonly<Record<string, number>>,
  untilSeconds: number,
  inputDigest: string,
): Found => ({
  overrides: { engine: { latencyCorrections: { ...said, ...corrections } } },
  values: values.map(({ name, before, after, low, high }) => ({
    name,
    before: rounded(before),
    after: rounded(after),
    low: rounded(low),
    high: rounded(high),
  })),
  untold: [...untold],
  misfit: { before: rounded(misfit.before), after: rounded(misfit.after) },
  requests: Math.round(requests),
  windowSeconds: Math.round(seconds),
  until: new Date(untilSeconds * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
  inputDigest,
  version: VERSION,
});

/** Whether every value in use lies within the interval of the same value as fitted since. */
export const agrees = (inUse: Found, since: Found): boolean =>
  inUse.values.length === since.values.length &&
  inUse.values.every(({ name, after }) =>
    since.values.some(({ name: other, low, high }) => other === name && low <= after && after <= high),
  );

const rounded = (value: number): number => Number(value.toPrecision(4));
