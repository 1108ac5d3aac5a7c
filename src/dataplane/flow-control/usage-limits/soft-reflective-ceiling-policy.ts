import * as z from "zod";
import { usageLimit } from "../usage-limit.ts";

/**
 * Band i of n + 1 is open below a saturation of 1 − i · saturation / n, shut from a saturation of 1 on, and between the two open
 * in one cycle of round(saturation / (1 − saturation)). All bands share the count of cycles, which goes on while the lowest band
 * is between. Source: llm-d-router (August 2026), flowcontrol/usagelimits/softreflectiveceiling.
 */
export const softReflectiveCeilingPolicy = usageLimit({
  name: "soft-reflective-ceiling-policy",
  summary: "lower bands get a share of the cycles that shrinks as saturation rises",
  params: () => z.object({}),
  create: () => {
    let cycle = 0;
    return {
      limit(saturation, priorities, ceilings) {
        const last = priorities.length - 1;
        const alternates = alternating(saturation, last);
        if (alternates) cycle += 1;
        const open = alternates && cycle % periodOf(saturation) === 0;
        for (let i = 0; i <= last; i += 1) {
          const passes = i === 0 || saturation < 1 - (i * saturation) / last || (saturation < 1 && open);
          ceilings[i] = passes ? 1 : 0;
        }
      },
      steadyCycles(saturation, bands) {
        if (!alternating(saturation, bands - 1)) return Infinity;
        const period = periodOf(saturation);
        if (period === 1) return Infinity;
        return cycle % period === 0 ? 0 : period - (cycle % period) - 1;
      },
      skip(cycles, saturation, bands) {
        if (alternating(saturation, bands - 1)) cycle += cycles;
      },
    };
  },
});

const alternating = (saturation: number, last: number): boolean =>
  last > 0 && saturation >= 1 - saturation && saturation < 1;
/** The small addend is the source's; it keeps a saturation just below 1 from dividing by nothing. */
const periodOf = (saturation: number): number => Math.max(1, Math.round(saturation / (1 - saturation + 1e-9)));
