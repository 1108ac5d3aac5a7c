import * as z from "zod";
import { durationOf } from "../../model/duration.ts";
import { rateFactor, rateShape, shapeAt, shapeDuration } from "../shape.ts";

export const ramp = rateShape({
  name: "ramp",
  summary: "a straight line between two factors: `from` before `at`, `to` after `at` + `duration`",
  params: () =>
    z.object({
      at: shapeAt,
      duration: shapeDuration,
      from: rateFactor.default(1).meta({ description: "Factor before and at the begin." }),
      to: rateFactor.meta({ description: "Factor at the end and after." }),
    }),
  create: ({ at, duration, from: before, to: afterwards }) => {
    const begin = durationOf(at);
    const length = durationOf(duration);
    const factor = (now: number): number => {
      if (now >= begin + length) return afterwards;
      return now <= begin ? before : before + ((afterwards - before) * (now - begin)) / length;
    };
    return {
      factor,
      peak: (from, to) => Math.max(factor(from), to > begin ? factor(to) : before),
      breaks: [begin, begin + length],
      smoothFor: Number.POSITIVE_INFINITY,
    };
  },
});
