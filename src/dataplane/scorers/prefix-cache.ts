import * as z from "zod";
import { scorer } from "../scorer.ts";

/**
 * w min(1, m b / L)^2 + (1 - w) m / M of m matched out of M blocks of b tokens; 0 where the prompt has no block
 * (llm-d-router v0.9).
 */
export const prefixCache = scorer({
  name: "prefix-cache-scorer",
  summary: "prefer endpoints that hold most of the prompt, as far as a producer knows",
  params: () =>
    z.object({
      prefixMatchInfoProducerName: z.string().optional().meta({ description: "Producer of the matches." }),
      matchLengthWeight: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .meta({ description: "Weight of the match's length beside its share of the prompt." }),
      matchLengthScaleTokens: z.int().min(1).default(8192).meta({ description: "Length of match that scores 1." }),
    }),
  create: ({ prefixMatchInfoProducerName, matchLengthWeight: w, matchLengthScaleTokens }, { knowledge }) => {
    const prefix = knowledge.prefix(prefixMatchInfoProducerName);
    const scoreFor = (m: number, total: number, perBlock: number): number => {
      if (m === 0 || total === 0) return 0;
      const length = Math.min(1, m * perBlock);
      return w * length * length + (1 - w) * (m / total);
    };
    const scoreOf = (at: number): number =>
      scoreFor(prefix.matched[at] as number, prefix.total, prefix.blockSize / matchLengthScaleTokens);
    return {
      blind: true,
      score({ kept, count }, into) {
        const { matched, total, blockSize } = prefix;
        const perBlock = blockSize / matchLengthScaleTokens;
        for (let k = 0; k < count; k += 1) {
          const at = kept[k] as number;
          into[at] = scoreFor(matched[at] as number, total, perBlock);
        }
      },
      ...(prefix.holders === undefined ? {} : { sparse: { of: prefix.holders, scoreOf } }),
    };
  },
});
