import * as z from "zod";
import { durationOf } from "../../model/duration.ts";
import { rateShape, shapeAt, shapeFactor } from "../shape.ts";

export const step = rateShape({
  name: "step",
  summary: "the factor from `at` on",
  params: () => z.object({ at: shapeAt, factor: shapeFactor }),
  create: ({ at: atText, factor }) => {
    const at = durationOf(atText);
    return {
      factor: (now) => (now >= at ? factor : 1),
      peak: (from, to) => (from >= at ? factor : to > at ? Math.max(1, factor) : 1),
      breaks: [at],
      smoothFor: Number.POSITIVE_INFINITY,
    };
  },
});
