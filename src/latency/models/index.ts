import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { physical } from "./physical.ts";
import { roofline } from "./roofline.ts";
import { trainedPhysics } from "./trained-physics.ts";

export { ownCorrections } from "../named-corrections.ts";

/** How long one engine step takes: each choice reads the batch's integers only and always gives the same answer. */
export const latencyModels = registry("name", [physical, trainedPhysics, roofline]);
export type LatencySaid = z.output<typeof latencyModels.schema>;
