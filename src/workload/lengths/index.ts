import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { constant } from "./constant.ts";
import { empirical } from "./empirical.ts";
import { lognormal } from "./lognormal.ts";
import { normal } from "./normal.ts";

/** How many tokens a prompt or an output has. */
export const lengths = registry("distribution", [constant, normal, lognormal, empirical]);
export type LengthSaid = z.output<typeof lengths.schema>;
