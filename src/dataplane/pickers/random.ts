import { picker, pickerParams } from "../picker.ts";

/** Uniform over the candidates, whatever their scores (llm-d-router v0.9). */
export const random = picker({
  name: "random-picker",
  summary: "a candidate at random",
  params: pickerParams,
  create: (_params, { rng }) => ({
    pick: ({ kept, count }) => kept[count > 1 ? rng.below(count) : 0] as number,
  }),
});
