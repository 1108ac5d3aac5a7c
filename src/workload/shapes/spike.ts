import * as z from "zod";
import { durationOf } from "../../model/duration.ts";
import { rateShape, shapeAt, shapeDuration, shapeFactor } from "../shape.ts";

export const spike = rateShape({
  name: "spike",
  summary: "the factor from `at` for `duration`, then back",
  params: () => z.object({ at: shapeAt, duration: shapeDuration, factor: shapeFactor }),
  create: ({ at, duration, factor }) => {
    const begin = durationOf(at);
    const end = begin + durationOf(duration);
    const within = (now: number): boolean => now >= begin && now < end;
    return {
      factor: (now) => (within(now) ? factor : 1),
      peak: (from, to) => {
        if (to <= begin || from >= end || begin === end) return 1;
        return from >= begin && to <= end ? factor : Math.max(1, factor);
      },
      breaks: [begin, end],
      smoothFor: Number.POSITIVE_INFINITY,
    };
  },
});
