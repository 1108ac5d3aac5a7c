import * as z from "zod";
import { LENGTH_MAX } from "./length.ts";
import type { LengthSaid } from "./lengths/index.ts";
import { constantLength, exponentialLength, normalLength, type Path, type ProfileProblems } from "./profile.ts";

const TYPES = ["gaussian", "exponential", "pareto_lognormal", "lognormal", "empirical", "constant"] as const;

/** A distribution as BLIS writes it (`sim/workload/spec.go`, `DistSpec` @f90a1e3a). */
export const blisLengthSchema = z.strictObject({
  type: z.enum(TYPES),
  params: z.record(z.string(), z.number()).default({}),
  file: z.string().optional(),
});
export type BlisLength = z.output<typeof blisLengthSchema>;

/** Parameters that a type needs, and those that it may have. */
const PARAMS: Readonly<
  Record<Exclude<(typeof TYPES)[number], "empirical">, readonly [readonly string[], readonly string[]]>
> = {
  gaussian: [["mean", "std_dev", "min", "max"], []],
  exponential: [["mean"], ["min", "max"]],
  lognormal: [
    ["mu", "sigma"],
    ["min", "max"],
  ],
  pareto_lognormal: [["alpha", "xm", "mu", "sigma", "mix_weight"], []],
  constant: [["value"], []],
};

/** The same as a length of ours (`sim/workload/distribution.go`, `NewLengthSampler` @f90a1e3a). */
export const lengthOfBlis = (
  { type, params, file }: BlisLength,
  at: Path,
  problems: ProfileProblems,
): LengthSaid | undefined => {
  if (file !== undefined)
    return problems.error([...at, "file"], "files beside the profile are not read", "write the histogram in params");
  if (type === "empirical") return histogram(params, at, problems);
  const [needed, allowed] = PARAMS[type];
  const missing = needed.find((name) => params[name] === undefined);
  if (missing !== undefined) return problems.error([...at, "params", missing], `is required for ${type}`);
  const stranger = Object.keys(params).find((name) => !needed.includes(name) && !allowed.includes(name));
  if (stranger !== undefined) {
    return problems.error(
      [...at, "params", stranger],
      `${type} has no such parameter; it has ${[...needed, ...allowed].join(", ")}`,
    );
  }
  const value = (name: string, otherwise = 0): number => params[name] ?? otherwise;
  const negative = Object.keys(params).find((name) => name !== "mu" && value(name) < 0);
  if (negative !== undefined)
    return problems.error([...at, "params", negative], `must not be negative, got ${value(negative)}`);
  // BLIS takes 0 as no bound, and makes no length below 1.
  const [min, max] = [Math.max(1, value("min")), value("max") || LENGTH_MAX];
  if (min > max) return problems.error([...at, "params", "min"], `must not exceed max, ${max}; got ${min}`);
  switch (type) {
    case "gaussian":
      return normalLength(value("mean"), value("std_dev"), min, max);
    case "exponential":
      return exponentialLength(value("mean"), min, max);
    case "lognormal": {
      const variance = value("sigma") ** 2;
      const mean = Math.exp(value("mu") + variance / 2);
      return { distribution: "lognormal", mean, deviation: mean * Math.sqrt(Math.expm1(variance)), min, max };
    }
    case "pareto_lognormal": {
      const [alpha, tailShare] = [value("alpha"), value("mix_weight")];
      if (alpha === 0) return problems.error([...at, "params", "alpha"], "must be above 0");
      if (tailShare > 1)
        return problems.error([...at, "params", "mix_weight"], `must be a share from 0 to 1, got ${tailShare}`);
      const [mu, sigma] = [value("mu"), value("sigma")];
      return {
        distribution: "pareto-lognormal",
        tailShare,
        alpha,
        tailFrom: value("xm"),
        mu,
        sigma,
        min: 1,
        max: LENGTH_MAX,
      };
    }
    case "constant":
      return constantLength(Math.trunc(value("value")));
    default:
      return type satisfies never;
  }
};

const histogram = (params: BlisLength["params"], at: Path, problems: ProfileProblems): LengthSaid | undefined => {
  const points: { tokens: number; weight: number }[] = [];
  for (const [key, weight] of Object.entries(params)) {
    if (!/^\d{1,7}$/.test(key)) return problems.error([...at, "params", key], "is not a whole number of tokens");
    if (weight < 0) return problems.error([...at, "params", key], `must not be negative, got ${weight}`);
    if (weight > 0) points.push({ tokens: Math.max(1, Number(key)), weight });
  }
  if (points.length === 0)
    return problems.error([...at, "params"], "its weights are all 0; at least one must be above");
  return { distribution: "empirical", points: points.sort((a, b) => a.tokens - b.tokens) };
};
