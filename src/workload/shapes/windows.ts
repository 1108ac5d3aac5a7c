import * as z from "zod";
import { durationOf, durationSeconds, durationText } from "../../model/duration.ts";
import { rateShape, shapeFactor } from "../shape.ts";

const window = z.strictObject({
  start: durationText.meta({ description: "When it begins, after the start of the run." }),
  end: durationText.meta({ description: "When it ends." }),
  factor: shapeFactor.default(1),
});

type Window = z.output<typeof window>;

const runsForward = ({ start, end }: Window): boolean => durationSeconds(start) < durationSeconds(end);
const followsOthers = (windows: readonly Window[]): boolean =>
  windows.every(({ start }, i) => i === 0 || durationSeconds((windows[i - 1] as Window).end) <= durationSeconds(start));

/**
 * Active only now and then: what BLIS calls a client's lifecycle, and the stages of inference-perf and llm-d-benchmark.
 */
export const windows = rateShape({
  name: "windows",
  summary: "each window's factor within it, no traffic outside of them",
  params: () =>
    z.object({
      windows: z
        .array(window.refine(runsForward, { path: ["end"], error: "must lie after start" }))
        .min(1)
        .max(2000)
        .refine(followsOthers, { error: "windows must stand in order of time and must not overlap" })
        .meta({ description: "In order of time, without overlap." }),
    }),
  create: ({ windows: said }) => {
    const all = said.map(({ start, end, factor }) => ({ start: durationOf(start), end: durationOf(end), factor }));
    /** Index of the first window that ends after `at`. */
    const from = (at: number): number => {
      let [low, high] = [0, all.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((all[middle] as { end: number }).end > at) high = middle;
        else low = middle + 1;
      }
      return low;
    };
    return {
      factor: (at) => {
        const window = all[from(at)];
        return window !== undefined && window.start <= at ? window.factor : 0;
      },
      peak: (begin, to) => {
        let most = 0;
        for (let i = from(begin); i < all.length && (all[i] as { start: number }).start < to; i += 1) {
          most = Math.max(most, (all[i] as { factor: number }).factor);
        }
        return most;
      },
      breaks: all.flatMap(({ start, end }) => [start, end]),
      smoothFor: Number.POSITIVE_INFINITY,
    };
  },
});
