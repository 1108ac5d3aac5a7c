import { picker, pickerParams } from "../picker.ts";

/**
 * In proportion to the scores: the largest of U^(1 / score), U uniform (A-Res, Efraimidis and Spirakis 2006); uniform
 * where no score is above 0 (llm-d-router v0.9). Keys are compared as ln U / score, which small scores don't underflow.
 */
export const weightedRandom = picker({
  name: "weighted-random-picker",
  summary: "a candidate at random, in proportion to its score",
  params: pickerParams,
  create: (_params, { rng }) => ({
    pick({ kept, count }, scores) {
      let [best, picked] = [Number.NEGATIVE_INFINITY, -1];
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        const score = scores[at] as number;
        if (!(score > 0)) continue;
        const key = Math.log1p(-rng.next()) / score;
        if (key > best || picked < 0) [best, picked] = [key, at];
      }
      return picked >= 0 ? picked : (kept[count > 1 ? rng.below(count) : 0] as number);
    },
  }),
});
