import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import type { RequestHead } from "../../model/request.ts";
import type { Rng } from "../../sim/rng.ts";
import { numbersFor } from "../columns.ts";
import { FedIndex } from "../fed-index.ts";
import type { KvEvent } from "../kv-event.ts";
import { kvBlockTokens, leastOf, type RoutingPolicy, routingPolicy } from "../policy.ts";

const params = () =>
  z.object({
    overlapScoreWeight: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(1)
      .meta({ description: "Weight of prefill against decode." }),
    routerTemperature: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(0)
      .meta({ description: "0: the least cost; else by chance, the more the higher." }),
    kvBlockTokens: kvBlockTokens(),
  });

/**
 * Cost of an endpoint = weight x blocks of prefill (what this prompt lacks there and prompts under way) + blocks of decode
 * (of all its requests and this one); the least wins, ties by the smaller cache, then at random. With a temperature by
 * softmax over costs scaled to their range (NVIDIA Dynamo, main of 2026, KV router's default selector). Blocks that
 * requests of an endpoint have in common count for each of them; there once.
 */
export const dynamoKv = routingPolicy({
  name: "dynamo-kv",
  summary: "the least cost of prefill and decode blocks, by KV events (NVIDIA Dynamo's KV router)",
  params,
  create: (said, { rng }) => new DynamoKv(said, rng),
});

interface Flight {
  readonly endpoint: string;
  readonly blocks: number;
  prefillTokens: number;
}

class DynamoKv implements RoutingPolicy {
  readonly readsSignals = false;
  readonly #said: z.output<ReturnType<typeof params>>;
  readonly #rng: Rng;
  readonly #index: FedIndex;
  readonly #flights = new Map<number, Flight>();
  readonly #busy = new Map<string, { prefillTokens: number; blocks: number }>();
  #costs = new Float64Array(8);

  constructor(said: z.output<ReturnType<typeof params>>, rng: Rng) {
    this.#said = said;
    this.#rng = rng;
    this.#index = new FedIndex(said.kvBlockTokens);
  }

  get cached(): FedIndex {
    return this.#index;
  }

  pick(request: RequestHead, endpoints: readonly Endpoint[]): number {
    const { kvBlockTokens, overlapScoreWeight, routerTemperature } = this.#said;
    this.#index.look(request, endpoints);
    const blocks = Math.ceil(request.promptTokens / kvBlockTokens);
    const lacks = (at: number): number => request.promptTokens - (this.#index.matched[at] as number) * kvBlockTokens;
    this.#costs = numbersFor(this.#costs, endpoints.length);
    for (let at = 0; at < endpoints.length; at += 1) {
      const busy = this.#busy.get((endpoints[at] as Endpoint).name) ?? IDLE;
      this.#costs[at] = (overlapScoreWeight * (busy.prefillTokens + lacks(at))) / kvBlockTokens + busy.blocks + blocks;
    }
    const picked = routerTemperature > 0 ? this.#draw(endpoints.length, routerTemperature) : this.#least(endpoints);
    this.#begin(request.id, { endpoint: (endpoints[picked] as Endpoint).name, blocks, prefillTokens: lacks(picked) });
    return picked;
  }

  firstToken(id: number): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    this.#add(flight.endpoint, -flight.prefillTokens, 0);
    flight.prefillTokens = 0;
  }

  ended(id: number): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    this.#add(flight.endpoint, -flight.prefillTokens, -flight.blocks);
    this.#flights.delete(id);
  }

  left(name: string): void {
    this.#index.left(name);
  }

  observeKv(event: KvEvent): void {
    this.#index.observe(event);
  }

  #begin(id: number, flight: Flight): void {
    this.#flights.set(id, flight);
    this.#add(flight.endpoint, flight.prefillTokens, flight.blocks);
  }

  #add(endpoint: string, prefillTokens: number, blocks: number): void {
    const busy = this.#busy.get(endpoint) ?? { ...IDLE };
    busy.prefillTokens += prefillTokens;
    busy.blocks += blocks;
    if (busy.blocks === 0) this.#busy.delete(endpoint);
    else this.#busy.set(endpoint, busy);
  }

  #least(endpoints: readonly Endpoint[]): number {
    const least = endpoints.reduce((cost, _, at) => Math.min(cost, this.#costs[at] as number), Infinity);
    return leastOf(endpoints, this.#rng, ({ name }, at) =>
      (this.#costs[at] as number) === least ? this.#index.sizeOf(name) : Infinity,
    );
  }

  #draw(count: number, temperature: number): number {
    const costs = this.#costs.subarray(0, count);
    const [least, most] = [Math.min(...costs), Math.max(...costs)];
    const scale = most === least ? 0 : -1 / ((most - least) * temperature);
    let total = 0;
    for (const cost of costs) total += Math.exp((cost - least) * scale);
    let left = this.#rng.next() * total;
    for (let at = 0; at < count; at += 1) {
      left -= Math.exp(((costs[at] as number) - least) * scale);
      if (left <= 0) return at;
    }
    return count - 1;
  }
}

const IDLE = { prefillTokens: 0, blocks: 0 } as const;
