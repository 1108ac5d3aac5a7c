import { VERSION } from "../../model/version.ts";
import type { Swept } from "../../operator/sweep/swept.ts";

/** What the formats for machines say of sweeps. */
export const documentOfSweeps = (sweeps: readonly Swept[]) =>
  ({ servetwin: VERSION, simulated: true, sweeps }) as const;
