import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { prefixKeys } from "../../model/prefix-keys.ts";
import type { RequestHead } from "../../model/request.ts";
import { micros } from "../../sim/time.ts";
import type { Ask } from "../ask.ts";
import { type Assignable, assign } from "../burst.ts";
import { integersFor } from "../columns.ts";
import { type Producer, producer } from "../producer.ts";

const params = () =>
  z.object({
    windowDurationMs: z.int().min(1).max(10_000).default(100).meta({ description: "How long arrivals are collected." }),
    maxPerReplica: z
      .int()
      .min(-1)
      .refine((most) => most !== 0, { error: "must be -1 (unlimited) or at least 1" })
      .default(-1)
      .meta({ description: "Most requests of one prompt per endpoint; -1: any number." }),
    blockSizeTokens: z.int().min(1).default(64).meta({ description: "Tokens per block." }),
    maxPrefixTokensToMatch: z
      .int()
      .min(0)
      .default(0)
      .meta({ description: "Leading tokens looked at; 0: 2048 blocks." }),
    minColocateBlocks: z
      .int()
      .min(0)
      .default(0)
      .meta({ description: "Shared blocks worth an endpoint in common; 0: only equal prompts." }),
    maxBatchSize: z
      .int()
      .min(-1)
      .refine((most) => most !== 0, { error: "must be -1 (unlimited) or at least 1" })
      .default(1000)
      .meta({ description: "Most requests of a window; -1: any number." }),
    balanceBy: z.enum(["requests", "tokens"]).default("requests").meta({ description: "What is spread evenly." }),
  });

const MOST_BLOCKS = 2048;

/**
 * Collects the arrivals of a window and sends equal prompts to one endpoint each, the longest first and to whoever has
 * least of the window; everybody else gets no match. Requests wait for the window's end (llm-d-router v0.9). Prompts are
 * equal where all of their blocks have names in common with others and are equal.
 */
export const burstPrefixCache = producer({
  name: "burst-prefix-cache-producer",
  summary: "collects arrivals for a moment and sends equal prompts to the same endpoint",
  params,
  create: (said) => new BurstPrefixCache(said),
});

class BurstPrefixCache implements Producer {
  readonly #said: z.output<ReturnType<typeof params>>;
  readonly window;
  /** Endpoints of the window's requests, by request id. */
  readonly #assigned = new Map<number, string>();
  matched = new Int32Array(8);
  total = 0;
  readonly blockSize: number;

  constructor(said: z.output<ReturnType<typeof params>>) {
    this.#said = said;
    this.window = micros(said.windowDurationMs * 1000);
    this.blockSize = said.blockSizeTokens;
  }

  get prefix(): this {
    return this;
  }

  gathered(requests: readonly RequestHead[], endpoints: readonly Endpoint[]): void {
    this.#assigned.clear();
    const { maxBatchSize, maxPerReplica, minColocateBlocks, balanceBy } = this.#said;
    const taken = maxBatchSize < 0 ? requests : requests.slice(0, maxBatchSize);
    const entries = taken.map((request): Assignable => ({ id: request.id, blocks: this.#blocksOf(request) }));
    const found = assign(entries, endpoints, {
      perEndpoint: maxPerReplica < 0 ? Number.POSITIVE_INFINITY : maxPerReplica,
      minShared: minColocateBlocks,
      byBlocks: balanceBy === "tokens",
    });
    for (const [id, endpoint] of found) this.#assigned.set(id, endpoint.name);
  }

  produce({ request, endpoints }: Ask): void {
    this.total = this.#totalOf(request);
    this.matched = integersFor(this.matched, endpoints.length);
    const assigned = this.#assigned.get(request.id);
    for (let at = 0; at < endpoints.length; at += 1) {
      this.matched[at] = (endpoints[at] as Endpoint).name === assigned ? this.total : 0;
    }
  }

  #totalOf({ promptTokens }: RequestHead): number {
    const { maxPrefixTokensToMatch: tokens } = this.#said;
    const most = tokens > 0 ? Math.floor(tokens / this.blockSize) : MOST_BLOCKS;
    return Math.min(Math.ceil(promptTokens / this.blockSize), most);
  }

  /** Names of its blocks; those that nobody else can have get names of the request's own. */
  #blocksOf(request: RequestHead): number[] {
    const keys = prefixKeys(request, this.blockSize);
    const named = Math.min(Math.floor(request.promptTokens / this.blockSize), keys.limit);
    return Array.from({ length: this.#totalOf(request) }, (_, index) =>
      index < named ? keys.at(index) : -(request.id + 1) * 2 ** 12 - index,
    );
  }
}
