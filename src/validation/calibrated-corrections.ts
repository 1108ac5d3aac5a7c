import { CORRECTIONS } from "../latency/corrections.ts";
import {
  type NamedCorrections,
  namedCorrection,
  namedValue,
  STEP_DEVIATION,
  STEP_FACTOR,
} from "../latency/named-corrections.ts";
import type { CalibratedValue, Fittable } from "./calibrate.ts";

/** What of the latency model `physical` is one deployment's own. */
export interface OwnLatency {
  /** Logarithms, in the order of `CORRECTIONS`. */
  readonly corrections: readonly number[];
  readonly pace: number;
}

/** How long a step takes as a whole, and how long prompts take on top: what times between tokens, and to first ones, tell. */
const PREFILL = ["wideArithmetic", "narrowArithmetic"] as const;
/** Of the logarithm of a step's time, and of what arithmetic takes beyond the data sheet. */
const [STEP, PREFILL_STEP] = [0.1, 0.4];

const PREFILLS = CORRECTIONS.flatMap((correction, index) =>
  (PREFILL as readonly string[]).includes(correction.name) ? [{ correction, index }] : [],
);

/** What production's histograms are fitted by; those that a deployment doesn't feel are left out by the fit. */
export const fittablesOf = ({ corrections, pace }: OwnLatency): readonly Fittable[] => [
  { name: STEP_FACTOR, middle: Math.log(pace), step: STEP },
  ...PREFILLS.map(({ correction, index }) => ({
    name: namedCorrection(correction),
    middle: corrections[index] as number,
    step: PREFILL_STEP,
  })),
];

/** @param values in the order of `fittablesOf` */
export const latencyAt = ({ corrections }: OwnLatency, [pace = 0, ...prefills]: readonly number[]): OwnLatency => ({
  pace: Math.exp(pace),
  corrections: corrections.map((value, i) => prefills[PREFILLS.findIndex(({ index }) => index === i)] ?? value),
});

/** As a value is called and measured where it is written down. @param log of a value that `fittablesOf` names */
export const writtenValue = (name: string, log: number): number => {
  const found = PREFILLS.find(({ correction }) => namedCorrection(correction) === name);
  return found === undefined ? Math.exp(log) : namedValue(found.correction, log);
};

/** Four digits of a factor that is hardly more than 1 would be 1, which a spec can't say. */
const LEAST_SLOWDOWN = 1.001;

/** For `spec.overrides.engine.latencyCorrections`. */
export const blockOf = (values: readonly CalibratedValue[]): NamedCorrections => {
  const step = values.find(({ name }) => name === STEP_FACTOR);
  return {
    ...Object.fromEntries(
      values.map(({ name, after }) => {
        const value = rounded(writtenValue(name, after));
        return [name, name === STEP_FACTOR ? value : Math.max(LEAST_SLOWDOWN, value)];
      }),
    ),
    ...(step === undefined ? {} : { [STEP_DEVIATION]: rounded(step.deviation) }),
  };
};

const rounded = (value: number): number => Number(value.toPrecision(4));
