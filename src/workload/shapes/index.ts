import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { constant } from "./constant.ts";
import { diurnal } from "./diurnal.ts";
import { ramp } from "./ramp.ts";
import { spike } from "./spike.ts";
import { step } from "./step.ts";
import { windows } from "./windows.ts";

/** How the rate changes over time. */
export const shapes = registry("shape", [constant, step, ramp, spike, windows, diurnal]);
export type ShapeSaid = z.output<typeof shapes.schema>;
