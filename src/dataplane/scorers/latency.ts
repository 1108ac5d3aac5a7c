import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import type { Ask } from "../ask.ts";
import type { LatencyForecast, PrefixMatch } from "../knowledge.ts";
import { type Scorer, scorer } from "../scorer.ts";

const params = () =>
  z.object({
    ttftWeight: z.number().default(0.8).meta({ description: "Weight of the headroom to the TTFT target." }),
    tpotWeight: z.number().default(0.2).meta({ description: "Weight of the headroom to the TPOT target." }),
    headroomSelectionStrategy: z
      .string()
      .default("least")
      .meta({ description: "most: prefer much headroom; anything else: little." }),
    compositeKVWeight: z.number().default(1).meta({ description: "Weight of free KV cache without predictions." }),
    compositeQueueWeight: z.number().default(1).meta({ description: "Weight of short queues without predictions." }),
    compositePrefixWeight: z.number().default(1).meta({ description: "Weight of the match without predictions." }),
    latencyPredictionInfoProducerName: z.string().optional().meta({ description: "Producer of the predictions." }),
    prefixMatchInfoProducerName: z.string().optional().meta({ description: "Producer of the matches." }),
  });

/** Two headrooms so near to each other are equal. */
const EPSILON = 1e-9;

/**
 * By the headroom to the request's targets, packed tight (`least`) or not (`most`). Only the best group of candidates
 * scores: none negative; else idle ones; else TPOT missed alone, TTFT missed alone, both. Without predictions a blend of
 * free KV cache, queue and prefix match (llm-d-router v0.9).
 */
export const latency = scorer({
  name: "latency-scorer",
  summary: "prefer endpoints that would just meet the request's latency targets",
  params,
  create: (said, { knowledge }) =>
    new LatencyScorer(
      said,
      knowledge.latency(said.latencyPredictionInfoProducerName),
      knowledge.prefix(said.prefixMatchInfoProducerName),
    ),
});

class LatencyScorer implements Scorer {
  readonly #said: z.output<ReturnType<typeof params>>;
  readonly #forecast: LatencyForecast;
  readonly #prefix: PrefixMatch;
  /** Positions of the group that scores. */
  readonly #group: number[] = [];

  constructor(said: z.output<ReturnType<typeof params>>, forecast: LatencyForecast, prefix: PrefixMatch) {
    this.#said = said;
    this.#forecast = forecast;
    this.#prefix = prefix;
  }

  score(ask: Ask, into: Float64Array): void {
    if (!this.#forecast.known) return this.#composite(ask, into);
    for (let k = 0; k < ask.count; k += 1) into[ask.kept[k] as number] = 0;
    const { ttftHeadroomMs: ttft, tpotHeadroomMs: tpot } = this.#forecast;
    const late = (at: number) => (ttft[at] as number) < 0;
    const slow = (at: number) => (tpot[at] as number) < 0;
    if (this.#gather(ask, (at) => !late(at) && !slow(at))) return this.#scoreGroup(into, this.#strategy());
    const found =
      this.#gather(ask, (at) => (ask.endpoints[at] as Endpoint).inFlight === 0) ||
      this.#gather(ask, (at) => slow(at) && !late(at)) ||
      this.#gather(ask, (at) => late(at) && !slow(at)) ||
      this.#gather(ask, (at) => late(at) && slow(at));
    if (found) this.#scoreGroup(into, "least");
  }

  #strategy(): "least" | "most" {
    return this.#said.headroomSelectionStrategy === "most" ? "most" : "least";
  }

  #gather({ kept, count }: Ask, belongs: (at: number) => boolean): boolean {
    this.#group.length = 0;
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      if (belongs(at)) this.#group.push(at);
    }
    return this.#group.length > 0;
  }

  #scoreGroup(into: Float64Array, strategy: "least" | "most"): void {
    const { ttftHeadroomMs, tpotHeadroomMs } = this.#forecast;
    const ttft = rangeOf(this.#group, ttftHeadroomMs);
    const tpot = rangeOf(this.#group, tpotHeadroomMs);
    let [alpha, beta] = shares(this.#said.ttftWeight, this.#said.tpotWeight);
    if (ttft.width <= EPSILON && tpot.width > EPSILON) [alpha, beta] = [0, 1];
    else if (tpot.width <= EPSILON && ttft.width > EPSILON) [alpha, beta] = [1, 0];
    for (const at of this.#group) {
      const share =
        alpha * within(ttft, ttftHeadroomMs[at] as number) + beta * within(tpot, tpotHeadroomMs[at] as number);
      into[at] = (Math.trunc((strategy === "most" ? share : 1 - share) * 100) + 1) / 100;
    }
  }

  #composite({ endpoints, kept, count }: Ask, into: Float64Array): void {
    const { compositeKVWeight: kv, compositeQueueWeight: queue, compositePrefixWeight: prefix } = this.#said;
    const sum = kv + queue + prefix;
    const [wKv, wQueue, wPrefix] = sum <= 0 ? [1, 0, 0] : [kv / sum, queue / sum, prefix / sum];
    const { matched, total } = this.#prefix;
    let longest = 0;
    for (let k = 0; k < count; k += 1) {
      longest = Math.max(longest, (endpoints[kept[k] as number] as Endpoint).waiting);
    }
    for (let k = 0; k < count; k += 1) {
      const at = kept[k] as number;
      const { waiting, kvUsage } = endpoints[at] as Endpoint;
      const short = longest > 0 ? (longest - waiting) / longest : 1;
      const match = total > 0 ? (matched[at] as number) / total : 0;
      into[at] = Math.round(100 * (wKv * (1 - kvUsage) + wQueue * short + wPrefix * match)) / 100;
    }
  }
}

interface Span {
  readonly least: number;
  readonly width: number;
}

const rangeOf = (group: readonly number[], headroom: Float64Array): Span => {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const at of group) {
    const size = Math.abs(headroom[at] as number);
    least = Math.min(least, size);
    most = Math.max(most, size);
  }
  return { least, width: most - least };
};

const within = ({ least, width }: Span, headroom: number): number =>
  width > EPSILON ? (Math.abs(headroom) - least) / width : 0.5;

const shares = (a: number, b: number): [number, number] => (a + b <= 0 ? [1, 0] : [a / (a + b), b / (a + b)]);
