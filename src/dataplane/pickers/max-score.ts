import { picker, pickerParams } from "../picker.ts";

/** The highest score; ties uniformly at random (llm-d-router v0.9, which shuffles and sorts). The stream is drawn from only where there is a tie. */
export const maxScore = picker({
  name: "max-score-picker",
  summary: "the candidate with the highest score; ties at random",
  params: pickerParams,
  create: (_params, { rng }) => ({
    pick({ kept, count }, scores, lead) {
      if (lead?.ties === 1) return lead.at;
      let best = Number.NEGATIVE_INFINITY;
      let ties = 0;
      let first = -1;
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        const score = scores[at] as number;
        if (score > best) {
          best = score;
          ties = 1;
          first = at;
        } else if (score === best) ties += 1;
      }
      if (ties === 1) return first;
      let passed = rng.below(ties);
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        if (scores[at] === best && passed-- === 0) return at;
      }
      return first;
    },
  }),
});
