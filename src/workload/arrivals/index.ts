import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { constant } from "./constant.ts";
import { gamma } from "./gamma.ts";
import { poisson } from "./poisson.ts";

/** How the arrivals of a client follow each other. */
export const arrivals = registry("process", [poisson, gamma, constant]);
export type ArrivalSaid = z.output<typeof arrivals.schema>;
