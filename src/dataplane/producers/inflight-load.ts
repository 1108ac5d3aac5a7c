import * as z from "zod";
import type { Ask } from "../ask.ts";
import { numbersFor } from "../columns.ts";
import type { Knowledge } from "../knowledge.ts";
import { type Producer, producer } from "../producer.ts";

const params = z.object({
  addEstimatedOutputTokens: z
    .boolean()
    .default(false)
    .meta({ description: "Whether outputs count as well; then tokens count until the last token." }),
  outputRatio: z.number().min(0).default(1.5).meta({ description: "Output tokens per prompt token." }),
  maxEstimatedOutputTokens: z.int().min(0).optional().meta({ description: "Most output tokens that count." }),
  prefixMatchInfoProducerName: z.string().optional().meta({ description: "Producer of the matches." }),
  syncCrossReplicaState: z.boolean().default(true).meta({ description: "Whether replicas of the router share it." }),
});

/**
 * What a request adds to an endpoint's tokens in flight: prompt tokens that no matched block covers, a partly filled
 * last block counted whole, and with `addEstimatedOutputTokens` the output. Tokens count until the first token comes
 * back, or with outputs until the last (llm-d-router v0.9). The counts themselves are the gateway's; one router only.
 */
export const inflightLoad = producer({
  name: "inflight-load-producer",
  summary: "counts requests and uncached tokens in flight per endpoint",
  params,
  create: (said, { knowledge }) => new InflightLoad(said, knowledge),
});

class InflightLoad implements Producer {
  readonly #said: z.output<typeof params>;
  readonly #knowledge: Knowledge;
  readonly blind = true;
  uncached = new Float64Array(8);

  constructor(said: z.output<typeof params>, knowledge: Knowledge) {
    this.#said = said;
    this.#knowledge = knowledge;
  }

  get load(): this {
    return this;
  }

  get untilEnd(): boolean {
    return this.#said.addEstimatedOutputTokens;
  }

  produce({ request, endpoints }: Ask): void {
    const { promptTokens } = request;
    const output = this.#outputOf(promptTokens, request.maxTokens);
    const prefix = this.#knowledge.prefixIfAny(this.#said.prefixMatchInfoProducerName);
    this.uncached = numbersFor(this.uncached, endpoints.length);
    if (prefix === undefined || prefix.blockSize <= 0) {
      this.uncached.fill(promptTokens + output, 0, endpoints.length);
      return;
    }
    const { matched, total, blockSize } = prefix;
    const rest = Math.max(0, promptTokens - total * blockSize) + output;
    for (let at = 0; at < endpoints.length; at += 1) {
      this.uncached[at] = Math.max(0, total - (matched[at] as number)) * blockSize + rest;
    }
  }

  #outputOf(promptTokens: number, maxTokens: number | undefined): number {
    const { addEstimatedOutputTokens, outputRatio, maxEstimatedOutputTokens } = this.#said;
    if (!addEstimatedOutputTokens) return 0;
    const guess = Math.round(promptTokens * outputRatio);
    return Math.min(guess, maxTokens ?? guess, maxEstimatedOutputTokens ?? guess);
  }
}
