import * as z from "zod";
import { lineMicros } from "../../model/decode-line.ts";
import { type Micros, micros } from "../../sim/time.ts";
import { CORRECTIONS, correctionsOf } from "../corrections.ts";
import { fitted } from "../fitted.ts";
import { latencyModel } from "../latency-model.ts";
import { decodeLines, physicalTerms, stepMicros } from "../physical-terms.ts";

/** Part of the front end's time that comes before the queue: tokenising, validation, IPC; the rest streams the token. */
const BEFORE_QUEUE = 0.65;

const params = () =>
  z.object({
    corrections: z
      .array(z.number())
      .length(CORRECTIONS.length)
      .default([...fitted.corrections])
      .meta({ description: "Logarithms of the fitted corrections, in the order of docs/fidelity.md." }),
    pace: z.number().positive().default(1).meta({
      description: "Factor on every step; other than 1 at the ends of a band, and where a deployment was measured.",
    }),
    deviation: z.number().min(0).optional().meta({
      description:
        "Of the logarithm of step time, where a deployment was measured; left out: as the committed fit has it.",
    }),
  });

/**
 * Step time from what the hardware must do (`workOf`), each part with a fitted correction that can only make it slower
 * than the data sheet: weights and expected experts read, KV read, arithmetic, messages by latency and size, launches per
 * layer, host work per request. Affine in the batch's integers up to two maxima and a table of experts by tokens.
 * Fitted to measured servers by `npm run fit` (docs/fidelity.md).
 */
export const physical = latencyModel({
  name: "physical",
  summary: "physical bounds with corrections fitted to measured vLLM servers; knows how uncertain it is",
  params,
  create: ({ corrections, pace }, context) => {
    const terms = physicalTerms(correctionsOf(corrections), context);
    const { frontEnd, perPromptToken } = terms;
    const decodeLine = decodeLines(terms, pace);
    return {
      step: (batch) => {
        const { requests, decodes, decodeTokens, decodeContext } = batch;
        if (requests === 0) return micros(1);
        const line = requests === decodes && decodeTokens === decodes ? decodeLine(decodes) : undefined;
        if (line !== undefined) return lineMicros(line, decodeContext) as Micros;
        return Math.max(1, Math.ceil(pace * stepMicros(terms, batch))) as Micros;
      },
      decodeLine,
      toQueue: (promptTokens) => micros(Math.round(frontEnd * BEFORE_QUEUE + perPromptToken * promptTokens)),
      perToken: micros(Math.round(frontEnd * (1 - BEFORE_QUEUE))),
      atFinish: micros(0),
    };
  },
});
