import * as z from "zod";
import { NEVER } from "../../sim/time.ts";
import { detector } from "../detector.ts";

/** Nothing is ever full, an empty pool neither: the queue lets everything through. Source: BLIS, sim/saturation.go `NeverSaturated`. */
export const never = detector({
  name: "never",
  summary: "never saturated, as BLIS's `never`",
  params: () => z.object({}),
  create: () => ({ readsSignals: false, saturation: () => 0, changesAt: () => NEVER, stale: () => 0 }),
});
