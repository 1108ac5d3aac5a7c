import * as z from "zod";
import { durationText } from "../model/duration.ts";

/** Parameters of llm-d-router v0.9's precise prefix cache; what has no bearing on routing is taken and passed over. */
export const preciseParams = {
  tokenProcessorConfig: z
    .looseObject({
      blockSize: z.int().optional().meta({ description: "Old spelling of blockSizeTokens." }),
      blockSizeTokens: z.int().min(0).optional().meta({ description: "Tokens per block." }),
    })
    .optional()
    .meta({ description: "How prompts are cut into blocks." }),
  indexerConfig: z
    .looseObject({
      kvBlockIndexConfig: z
        .looseObject({
          inMemoryConfig: z
            .looseObject({
              size: z.int().min(1).optional().meta({ description: "Most blocks known." }),
              podCacheSize: z.int().min(1).optional().meta({ description: "Most holders known of one block." }),
            })
            .optional()
            .meta({ description: "The index in memory." }),
        })
        .optional()
        .meta({ description: "The index." }),
    })
    .optional()
    .meta({ description: "The index of blocks." }),
  kvEventsConfig: z.looseObject({}).optional().meta({ description: "How events are received." }),
  speculativeIndexing: z
    .boolean()
    .default(false)
    .meta({ description: "Whether a request's blocks count as held from its routing on." }),
  speculativeTTL: durationText.default("2s").meta({ description: "How long they do without an event." }),
};
