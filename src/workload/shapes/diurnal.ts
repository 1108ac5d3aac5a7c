import * as z from "zod";
import { rateShape } from "../shape.ts";

const HOUR = 3600e6;
const DAY = 24 * HOUR;

/**
 * A day's course as a cosine, the factor's mean over a day being 1: 1 + a cos(2 pi (h - peakHour) / 24) with
 * a = (R - 1) / (R + 1), so that peak : trough = R. BLIS's diurnal cohort, (1 + cos)/2 (1 - 1/R) + 1/R per hour of the
 * day, is the same curve in 24 steps with peak 1; here a client's `rate` stays its mean over a day.
 */
export const diurnal = rateShape({
  name: "diurnal",
  summary: "a day's course: a cosine with its peak at `peakHour`; the mean over a day is 1",
  params: () =>
    z.object({
      peakHour: z.number().min(0).max(24).default(14).meta({ description: "Hour of the day with the most traffic." }),
      peakToTrough: z.number().min(1).max(1000).meta({ description: "Rate at the peak over rate at the trough." }),
      startHour: z.number().min(0).max(24).default(0).meta({ description: "Hour of the day at which the run starts." }),
    }),
  create: ({ peakHour, peakToTrough, startHour }) => {
    const swing = (peakToTrough - 1) / (peakToTrough + 1);
    const peakAt = (peakHour - startHour) * HOUR;
    const factor = (now: number): number => 1 + swing * Math.cos((2 * Math.PI * (now - peakAt)) / DAY);
    return {
      factor,
      peak: (from, to) => {
        const nextPeak = peakAt + Math.ceil((from - peakAt) / DAY) * DAY;
        return nextPeak <= to ? 1 + swing : Math.max(factor(from), factor(to));
      },
      breaks: [],
      smoothFor: HOUR,
    };
  },
});
