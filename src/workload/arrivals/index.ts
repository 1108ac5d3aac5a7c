import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { constant } from "./constant.ts";
import { gamma } from "./gamma.ts";
import { onOff } from "./on-off.ts";
import { poisson } from "./poisson.ts";
import { weibull } from "./weibull.ts";

/** How the arrivals of a client follow each other. */
export const arrivals = registry("process", [poisson, gamma, weibull, onOff, constant]);
export type ArrivalSaid = z.output<typeof arrivals.schema>;
