import * as z from "zod";
import { CORRECTIONS, type Correction } from "./corrections.ts";
import { fitted } from "./fitted.ts";

/** Corrections under names that carry their unit, as specs and results of `fit-model` have them. */
export type NamedCorrections = Readonly<Partial<Record<string, number>>>;

/** `physical`'s parameters for one measured deployment. */
export interface OwnCorrections {
  readonly corrections: number[];
  readonly pace: number;
  readonly deviation?: number;
}

const SUFFIX = { slowdown: "Factor", micros: "Micros", number: "" } as const;

/** `weightReadFactor`, `perLayerMicros`, `routingSkew`. */
export const namedCorrection = ({ name, kind }: Correction): string => `${name}${SUFFIX[kind]}`;

/** Factor on every step, and what is left of its uncertainty: of one deployment, in no fit to many. */
export const STEP_FACTOR = "stepFactor";
export const STEP_DEVIATION = "stepDeviation";

const bounded = (correction: Correction) => {
  const least = correction.kind === "slowdown" ? 1.000001 : 0.000001;
  return z
    .number()
    .min(least)
    .max(correction.kind === "micros" ? 1e7 : 1000)
    .optional()
    .meta({ description: describe(correction) });
};

const describe = ({ kind, meaning }: Correction): string => {
  const said = meaning.replace(/^us /, "");
  return kind === "slowdown" ? `Factor: ${said}.` : kind === "micros" ? `Microseconds ${said}.` : `Number: ${said}.`;
};

/** Strict: what a spec may say of `physical`'s corrections. Those left out are as fitted to many servers. */
export const ownCorrections = z.lazy(() =>
  z.strictObject({
    ...(Object.fromEntries(CORRECTIONS.map((one) => [namedCorrection(one), bounded(one)])) as Record<
      string,
      ReturnType<typeof bounded>
    >),
    [STEP_FACTOR]: z
      .number()
      .min(0.01)
      .max(100)
      .optional()
      .meta({ description: "Factor on every step: what this deployment differs by as a whole." }),
    [STEP_DEVIATION]: z.number().min(0).max(3).optional().meta({
      description:
        "Standard deviation of the logarithm of step time that is left after the fit: how wide bands are. Left out: as without measurements of one's own.",
    }),
  }),
);

/** From a spec's names to the parameters of `physical`. */
export const ownParameters = (said: NamedCorrections): OwnCorrections => {
  const deviation = said[STEP_DEVIATION];
  return {
    corrections: CORRECTIONS.map((one, i) => {
      const value = said[namedCorrection(one)];
      return value === undefined ? (fitted.corrections[i] as number) : logOf(one, value);
    }),
    pace: said[STEP_FACTOR] ?? 1,
    ...(deviation === undefined ? {} : { deviation }),
  };
};

const logOf = ({ kind }: Correction, value: number): number => Math.log(kind === "slowdown" ? value - 1 : value);

/** The value of a fitted logarithm, in the unit that its name says. */
export const namedValue = ({ kind }: Correction, log: number): number =>
  kind === "slowdown" ? 1 + Math.exp(log) : Math.exp(log);
