import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Ask, Placed } from "../ask.ts";
import { numbersFor } from "../columns.ts";
import type { Knowledge, TokenLoad } from "../knowledge.ts";
import { LinearPredictor } from "../linear-predictor.ts";
import { type Producer, producer } from "../producer.ts";

const params = () =>
  z.object({
    sloBufferFactor: z.number().gt(0).default(1).meta({ description: "The TPOT target counts times this." }),
    contextTTL: z.number().default(300e9).meta({ description: "Nanoseconds after which a request is given up." }),
    streamingMode: z.boolean().default(false).meta({
      description: "Whether first tokens are seen; else TTFT stands for the whole response and TPOT for nothing.",
    }),
    endpointRoleLabel: z
      .string()
      .default("")
      .meta({ description: "Label of the pod's role; prefill pods have no TPOT." }),
    predictInProduce: z.boolean().default(true).meta({ description: "Whether endpoints are predicted for at all." }),
    samplingMean: z.number().default(1000).meta({ description: "Ignored." }),
    maxDecodeTokenSamplesForPrediction: z.int().default(0).meta({ description: "Ignored." }),
    useEncoderCacheFeatures: z.boolean().default(false).meta({ description: "Ignored." }),
    prefixMatchInfoProducerName: z.string().optional().meta({ description: "Producer of the matches." }),
    inFlightLoadProducerName: z.string().optional().meta({ description: "Producer of the counts." }),
    encoderCacheMatchInfoProducerName: z.string().optional().meta({ description: "Ignored." }),
  });

/**
 * Predicts what a request's TTFT and TPOT would be at each endpoint, and the headroom to its targets (absent: 0, so
 * missed), with the tightest TPOT target running there in mind (llm-d-router v0.9, hooks and arithmetic of headroom).
 *
 * The predictor is ours and crude: there a trained model (gradient-boosted trees or Bayesian ridge in a server of its
 * own), here two linear models for the whole pool, learned as responses come back; until 20 have, nothing is known
 * and consumers fall back as EPP's do. Features: tokens to compute here and ahead, waiting, running, KV usage.
 */
export const predictedLatency = producer({
  name: "predicted-latency-producer",
  summary: "predicts TTFT and TPOT per endpoint from what came back before",
  params,
  create: (said, { knowledge }) => new PredictedLatency(said, knowledge),
});

interface Flight {
  readonly slot: number;
  readonly sent: SimTime;
  readonly features: Float64Array;
  readonly tpotTargetMs: number;
  first: SimTime | undefined;
}

const FEATURES = 6;

class PredictedLatency implements Producer {
  readonly #said: z.output<ReturnType<typeof params>>;
  readonly #load: TokenLoad;
  readonly #ttft = new LinearPredictor(FEATURES);
  readonly #tpot = new LinearPredictor(FEATURES);
  readonly #flights = new Map<number, Flight>();
  readonly #features = new Float64Array(FEATURES);
  known = false;
  ttftMs = new Float64Array(8);
  ttftHeadroomMs = new Float64Array(8);
  tpotHeadroomMs = new Float64Array(8);

  constructor(said: z.output<ReturnType<typeof params>>, knowledge: Knowledge) {
    this.#said = said;
    knowledge.prefix(said.prefixMatchInfoProducerName);
    this.#load = knowledge.load(said.inFlightLoadProducerName);
  }

  get latency(): this {
    return this;
  }

  produce(ask: Ask): void {
    const { endpoints, request } = ask;
    this.known = this.#said.predictInProduce && this.#ttft.ready && (!this.#said.streamingMode || this.#tpot.ready);
    this.ttftMs = numbersFor(this.ttftMs, endpoints.length);
    this.ttftHeadroomMs = numbersFor(this.ttftHeadroomMs, endpoints.length);
    this.tpotHeadroomMs = numbersFor(this.tpotHeadroomMs, endpoints.length);
    if (!this.known) return;
    const target = (request.sloTtft ?? 0) / 1000;
    const tightest = this.#said.streamingMode ? this.#tightest() : undefined;
    for (let at = 0; at < endpoints.length; at += 1) {
      this.#describe(ask, at);
      const ttft = this.#ttft.predict(this.#features);
      this.ttftMs[at] = ttft;
      this.ttftHeadroomMs[at] = target - ttft;
      this.tpotHeadroomMs[at] = tightest === undefined ? 0 : this.#tpotHeadroom(ask, at, tightest);
    }
  }

  placed(ask: Ask, { primary, prefill }: Placed): void {
    this.#describe(ask, prefill >= 0 ? prefill : primary);
    this.#flights.set(ask.request.id, {
      slot: ask.slots[primary] as number,
      sent: ask.now,
      features: this.#features.slice(),
      tpotTargetMs: (ask.request.sloTpot ?? 0) / 1000,
      first: undefined,
    });
  }

  firstToken(id: number, _endpoint: string, now: SimTime): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    flight.first = now;
    if (this.#said.streamingMode) this.#ttft.learn(flight.features, (now - flight.sent) / 1000);
  }

  ended(id: number, now: SimTime, outputTokens: number): void {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    if (flight?.first === undefined) return;
    if (!this.#said.streamingMode) return this.#ttft.learn(flight.features, (now - flight.sent) / 1000);
    if (outputTokens > 1) this.#tpot.learn(flight.features, (now - flight.first) / 1000 / (outputTokens - 1));
  }

  left(slot: number): void {
    for (const [id, flight] of this.#flights) if (flight.slot === slot) this.#flights.delete(id);
  }

  #describe({ endpoints }: Ask, at: number): void {
    const { inFlightTokens, inFlight, waiting, kvUsage } = endpoints[at] as Endpoint;
    const features = this.#features;
    features[0] = 1;
    features[1] = this.#load.uncachedAt(at) / 1000;
    features[2] = inFlightTokens / 1000;
    features[3] = inFlight / 10;
    features[4] = waiting / 10;
    features[5] = kvUsage;
  }

  #tpotHeadroom({ request, endpoints, slots }: Ask, at: number, tightest: ReadonlyMap<number, number>): number {
    const { endpointRoleLabel, sloBufferFactor } = this.#said;
    if (endpointRoleLabel !== "" && (endpoints[at] as Endpoint).labels[endpointRoleLabel] === "prefill") return 0;
    const own = (request.sloTpot ?? 0) / 1000;
    const others = tightest.get(slots[at] as number) ?? 0;
    const target = (others > 0 ? Math.min(own, others) : own) * sloBufferFactor;
    return target - this.#tpot.predict(this.#features);
  }

  /** The tightest TPOT target among the requests of each slot. */
  #tightest(): Map<number, number> {
    const tightest = new Map<number, number>();
    for (const { slot, tpotTargetMs } of this.#flights.values()) {
      tightest.set(slot, Math.min(tightest.get(slot) ?? Number.POSITIVE_INFINITY, tpotTargetMs));
    }
    return tightest;
  }
}
