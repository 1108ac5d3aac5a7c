import { VERSION } from "../../model/version.ts";
import type { SimulationStatus } from "../../schema/simulation-status.ts";
import type { EngineFit, FittedValue } from "../../worker/calibration/fit-engine.ts";
import type { FittedStart } from "../../worker/calibration/fit-start.ts";

/** What was fitted, as it stands in the status. */
export type Found = NonNullable<SimulationStatus["calibration"]>;

export interface Fits {
  readonly engine: EngineFit;
  /** Left out: nothing is known of starts. */
  readonly start?: FittedStart | undefined;
  /** What `spec.overrides.engine.latencyCorrections` says: it stays, where nothing else was fitted. */
  readonly said: Readonly<Record<string, number>>;
  /** Unix time at which the window ended. */
  readonly untilSeconds: number;
  readonly inputDigest: string;
}

export const calibrationOf = ({ engine, start, said, untilSeconds, inputDigest }: Fits): Found => ({
  overrides: {
    engine: { latencyCorrections: { ...said, ...engine.corrections } },
    ...(start === undefined ? {} : { start: { untilReady: start.untilReady } }),
  },
  values: [...engine.values, ...(start === undefined ? [] : [start.value])].map(written),
  untold: [...engine.untold, ...(start === undefined ? ["startUntilReadySeconds"] : [])],
  misfit: { before: rounded(engine.misfit.before), after: rounded(engine.misfit.after) },
  requests: Math.round(engine.requests),
  windowSeconds: Math.round(engine.seconds),
  starts: start?.starts ?? 0,
  until: new Date(untilSeconds * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
  inputDigest,
  version: VERSION,
});

const written = ({ name, before, after, low, high }: FittedValue): Found["values"][number] => ({
  name,
  before: rounded(before),
  after: rounded(after),
  low: rounded(low),
  high: rounded(high),
});

/** Whether every value in use lies within the interval of the same value as fitted since. */
export const agrees = (inUse: Found, since: Found): boolean =>
  inUse.values.length === since.values.length &&
  inUse.values.every(({ name, after }) =>
    since.values.some(({ name: other, low, high }) => other === name && low <= after && after <= high),
  );

const rounded = (value: number): number => Number(value.toPrecision(4));
