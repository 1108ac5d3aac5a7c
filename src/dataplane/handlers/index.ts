import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { dataParallelProfile } from "./data-parallel-profile.ts";
import { disaggProfile } from "./disagg-profile.ts";
import { pdProfile } from "./pd-profile.ts";
import { singleProfile } from "./single-profile.ts";

/** Which profiles run. */
export const handlers = registry("type", [singleProfile, disaggProfile, pdProfile, dataParallelProfile]);
export type HandlerSaid = z.output<typeof handlers.schema>;
