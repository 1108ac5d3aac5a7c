import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { latencySloAdmitter } from "./latency-slo-admitter.ts";
import { probabilisticAdmitter } from "./probabilistic-admitter.ts";

/** Who has the last word before a request is scheduled. */
export const admitters = registry("type", [probabilisticAdmitter, latencySloAdmitter]);
export type AdmitterSaid = z.output<typeof admitters.schema>;
