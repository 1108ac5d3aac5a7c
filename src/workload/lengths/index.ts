import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { constant } from "./constant.ts";
import { empirical } from "./empirical.ts";
import { exponential } from "./exponential.ts";
import { lognormal } from "./lognormal.ts";
import { normal } from "./normal.ts";
import { paretoLognormal } from "./pareto-lognormal.ts";
import { uniform } from "./uniform.ts";

/** How many tokens a prompt or an output has. */
export const lengths = registry("distribution", [
  constant,
  uniform,
  normal,
  lognormal,
  exponential,
  paretoLognormal,
  empirical,
]);
export type LengthSaid = z.output<typeof lengths.schema>;
