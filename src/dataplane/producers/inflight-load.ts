import * as z from "zod";
import type { Ask } from "../ask.ts";
import type { Knowledge, PrefixMatch } from "../knowledge.ts";
import { type Producer, producer } from "../producer.ts";

const params = () =>
  z.object({
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
  readonly #said: z.output<ReturnType<typeof params>>;
  readonly #knowledge: Knowledge;
  readonly blind = true;
  /** Who knows what is cached, if anybody does; asked for at the first decision, when all producers are made. */
  #known: { readonly prefix: PrefixMatch | undefined } | undefined;
  /** Of the decision under way: what is cached, and the tokens that count wherever it goes. */
  #prefix: PrefixMatch | undefined;
  #rest = 0;

  constructor(said: z.output<ReturnType<typeof params>>, knowledge: Knowledge) {
    this.#said = said;
    this.#knowledge = knowledge;
  }

  get load(): this {
    return this;
  }

  get untilEnd(): boolean {
    return this.#said.addEstimatedOutputTokens;
  }

  produce({ request: { promptTokens, maxTokens } }: Ask): void {
    this.#known ??= { prefix: this.#knowledge.prefixIfAny(this.#said.prefixMatchInfoProducerName) };
    const { prefix } = this.#known;
    this.#prefix = prefix === undefined || prefix.blockSize <= 0 ? undefined : prefix;
    const covered = this.#prefix === undefined ? 0 : this.#prefix.total * this.#prefix.blockSize;
    this.#rest = Math.max(0, promptTokens - covered) + this.#outputOf(promptTokens, maxTokens);
  }

  uncachedAt(at: number): number {
    if (this.#prefix === undefined) return this.#rest;
    const { matched, total, blockSize } = this.#prefix;
    return Math.max(0, total - (matched[at] as number)) * blockSize + this.#rest;
  }

  #outputOf(promptTokens: number, maxTokens: number | undefined): number {
    const { addEstimatedOutputTokens, outputRatio, maxEstimatedOutputTokens } = this.#said;
    if (!addEstimatedOutputTokens) return 0;
    const guess = Math.round(promptTokens * outputRatio);
    return Math.min(guess, maxTokens ?? guess, maxEstimatedOutputTokens ?? guess);
  }
}
