import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { maxScore } from "./max-score.ts";
import { random } from "./random.ts";
import { weightedRandom } from "./weighted-random.ts";

/** Who is picked. */
export const pickers = registry("type", [maxScore, random, weightedRandom]);
export type PickerSaid = z.output<typeof pickers.schema>;
