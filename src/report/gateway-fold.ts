import type { Fact, Finished, QueueOutcome, Routing, ServedFact } from "../model/fact.ts";
import { Histogram } from "../model/metric-family.ts";
import type { Mutable } from "../model/mutable.ts";
import type { Request } from "../model/request.ts";
import { BoundedLabel } from "./bounded-label.ts";
import {
  DURATION_BOUNDS,
  INPUT_TOKENS_BOUNDS,
  NTPOT_BOUNDS,
  OUTPUT_TOKENS_BOUNDS,
  PREFIX_BYTES_BOUNDS,
  PREFIX_RATIO_BOUNDS,
  QUEUE_SECONDS_BOUNDS,
  REQUEST_BYTES_BOUNDS,
  RESPONSE_BYTES_BOUNDS,
  TPOT_BOUNDS,
  TTFT_BOUNDS,
} from "./gateway-bounds.ts";
import { END_OF } from "./tally.ts";
import { Uncounted } from "./uncounted.ts";
import type { GatewayCounts, QueueSeries, RequestLabels, RequestSeries } from "./world-view.ts";

/** Fairness id of requests without one. Source: pkg/epp/metadata/consts.go, llm-d-router@ebab6879. */
const DEFAULT_FAIRNESS_ID = "default-flow";
/** Bytes of a body per token, as the endpoint picker itself estimates lengths (averageCharactersPerToken). */
const BYTES_PER_TOKEN = 4;

/** Of requests that were sent on. */
export type SentFact = Extract<ServedFact, { readonly kind: "routed" | "finished" }>;
type Queue = Mutable<QueueSeries>;
interface Counted<T> {
  readonly what: T;
  count: number;
}
type Decided = Counted<{ readonly model: string; readonly decision: Routing["decision"] }>;
type Series = Mutable<RequestSeries> & {
  readonly errors: Map<string, number>;
  /** How it was decided on its last request: the next one's mostly is the same. */
  decided: Decided | undefined;
};

/** How often pairs of labels came, in the order in which they first did. */
class PairCounts<T, Other extends string = string> {
  readonly all: Counted<T>[] = [];
  readonly #known = new Map<string, Map<Other, Counted<T>>>();
  /** Whose pair came last, and its pairs: the next one mostly is its, too. */
  #one: string | undefined;
  #ofOne = new Map<Other, Counted<T>>();
  readonly #fresh: (one: string, other: Other) => T;

  constructor(fresh: (one: string, other: Other) => T) {
    this.#fresh = fresh;
  }

  of(one: string, other: Other): Counted<T> {
    if (one !== this.#one) {
      this.#one = one;
      this.#ofOne = entry(this.#known, one, () => new Map());
    }
    let counted = this.#ofOne.get(other);
    if (counted === undefined) {
      counted = { what: this.#fresh(one, other), count: 0 };
      this.#ofOne.set(other, counted);
      this.all.push(counted);
    }
    return counted;
  }
}

/**
 * Counts what an endpoint picker would, from the facts it told: its own counters and histograms since the start. Requests are
 * counted as they are sent on, latencies as answers end; requests that hang up leave none. Those that end were sent on before.
 * Source: pkg/epp/handlers/{server,response}.go and pkg/epp/flowcontrol/controller, llm-d-router@ebab6879.
 */
export class GatewayFold {
  readonly #servedModel: string;
  readonly #uncounted = new Uncounted<SentFact>((facts, size) => this.#countAll(facts, size));
  readonly #models = new BoundedLabel();
  readonly #fairness = new BoundedLabel();
  readonly #series = new Map<string, Series>();
  readonly #queues = new Map<string, Queue>();
  readonly #queued = new Map<string, GatewayCounts["queued"][number]>();
  readonly #outcomes = new Map<string, Counted<{ outcome: QueueOutcome; priority: number }>>();
  /** Endpoints that were given a request. */
  readonly #used = new Set<string>();
  readonly #attempts = new PairCounts((targetModel, endpoint: string) => {
    this.#used.add(endpoint);
    return { targetModel, endpoint };
  });
  readonly #decisions = new PairCounts((model, decision: Routing["decision"]) => ({ model, decision }));
  /** Whose series was asked for last: the next request mostly bears the same labels. */
  #last: { model: string | undefined; tenant: string | undefined; priority: number; series: Series } | undefined;
  readonly #held = new Map<number, { queue: Queue; bytes: number }>();
  readonly #prefixHitRatio = new Histogram(PREFIX_RATIO_BOUNDS);
  readonly #prefixHitBytes = new Histogram(PREFIX_BYTES_BOUNDS);

  /** @param servedModel model of requests that name none */
  constructor(servedModel: string) {
    this.#servedModel = servedModel;
  }

  tell(fact: Fact): void {
    if (fact.kind === "routed" || fact.kind === "finished") return this.tellSent(fact);
    this.#uncounted.settle();
    if (fact.kind === "gate") this.#gate(fact);
    // No endpoint: pkg/epp/requestcontrol/director.go answers 503.
    if (fact.kind === "refused") this.#error(this.#seriesOf(fact.request, 0), "ServiceUnavailable");
  }

  /** The same for those that are many: they are counted later, and by code that meets no others. */
  tellSent(fact: SentFact): void {
    this.#uncounted.add(fact);
  }

  #countAll(facts: readonly SentFact[], size: number): void {
    for (let i = 0; i < size; i += 1) {
      const fact = facts[i] as SentFact;
      if (fact.kind === "routed") this.#routed(fact);
      else this.#finished(fact);
    }
  }

  get counts(): GatewayCounts {
    this.#uncounted.settle();
    return {
      requests: [...this.#series.values()],
      queues: [...this.#queues.values()],
      queued: [...this.#queued.values()],
      outcomes: [...this.#outcomes.values()].map(({ what, count }) => ({ ...what, count })),
      attempts: this.#attempts.all.map(({ what, count }) => ({ status: "success", ...what, count })),
      used: this.#used,
      decisions: this.#decisions.all.map(({ what, count }) => ({ ...what, count })),
      prefixHitRatio: this.#prefixHitRatio,
      prefixHitBytes: this.#prefixHitBytes,
    };
  }

  #gate(fact: Extract<Fact, { kind: "gate" }>): void {
    const { request, priority } = fact;
    switch (fact.event) {
      case "held":
        return this.#hold(request, priority, fact.bytes);
      case "dispatched":
        return this.#leave(request, priority, "Dispatched", fact.waited / 1e6);
      case "shed":
        if (fact.outcome !== undefined) this.#leave(request, priority, fact.outcome, 0);
        return this.#error(this.#seriesOf(request, priority), codeOf(fact.status, fact.outcome));
      case "expired":
        this.#leave(request, priority, fact.outcome, fact.waited / 1e6);
        return this.#error(this.#seriesOf(request, priority), codeOf(fact.status, fact.outcome));
      default:
        return fact satisfies never;
    }
  }

  #hold(request: Request, priority: number, bytes: number): void {
    const labels = this.#labelsOf(request, priority);
    const queue = entry(this.#queues, keyOf(labels), () => ({ ...labels, size: 0, bytes: 0 }));
    queue.size += 1;
    queue.bytes += bytes;
    this.#held.set(request.id, { queue, bytes });
  }

  #leave(request: Request, priority: number, outcome: QueueOutcome, seconds: number): void {
    const held = this.#held.get(request.id);
    if (held !== undefined) {
      held.queue.size -= 1;
      held.queue.bytes -= held.bytes;
      this.#held.delete(request.id);
    }
    const labels = this.#labelsOf(request, priority);
    const fresh = () => ({ labels, outcome, seconds: new Histogram(QUEUE_SECONDS_BOUNDS) });
    entry(this.#queued, `${keyOf(labels)} ${outcome}`, fresh).seconds.observe(seconds);
    count(this.#outcomes, `${priority} ${outcome}`, () => ({ outcome, priority }));
  }

  #routed({ request, priority, endpoint, prefillEndpoint, decision, prefix }: Extract<Fact, { kind: "routed" }>): void {
    const series = this.#seriesOf(request, priority);
    const { targetModel } = series;
    series.requests += 1;
    series.running += 1;
    series.requestBytes.observe(request.promptTokens * BYTES_PER_TOKEN);
    if (prefillEndpoint !== undefined) this.#used.add(prefillEndpoint);
    this.#attempts.of(targetModel, endpoint).count += 1;
    if (series.decided?.what.decision !== decision) series.decided = this.#decisions.of(targetModel, decision);
    series.decided.count += 1;
    if (prefix === undefined) return;
    this.#prefixHitBytes.observe(prefix.matchedTokens * BYTES_PER_TOKEN);
    if (prefix.totalTokens > 0) this.#prefixHitRatio.observe(prefix.matchedTokens / prefix.totalTokens);
  }

  #finished({ facts, priority }: Extract<Fact, { kind: "finished" }>): void {
    const { request, outcome, end } = facts;
    const series = this.#seriesOf(request, priority);
    series.running -= 1;
    const how = END_OF[outcome];
    const seconds = (end - request.arrival) / 1e6;
    if (how === "completed") return answered(series, facts, seconds);
    if (how !== "rejected" && how !== "overloaded") return;
    // The engine answered with an error: its body is an answer too.
    this.#error(series, "ModelServerError");
    if (seconds <= 0) return;
    series.duration.observe(seconds);
    series.ttft.observe(seconds);
  }

  #error(series: Series, code: string): void {
    series.errors.set(code, (series.errors.get(code) ?? 0) + 1);
  }

  #seriesOf(request: Request, priority: number): Series {
    const { model, tenant } = request;
    const last = this.#last;
    if (last !== undefined && last.model === model && last.tenant === tenant && last.priority === priority) {
      return last.series;
    }
    const labels = this.#labelsOf(request, priority);
    const series = entry(this.#series, keyOf(labels), () => seriesOf(labels));
    this.#last = { model, tenant, priority, series };
    return series;
  }

  #labelsOf({ model, tenant }: Request, priority: number): RequestLabels {
    const name = this.#models.bound(model ?? this.#servedModel);
    return {
      model: name,
      targetModel: name,
      fairnessId: this.#fairness.bound(tenant ?? DEFAULT_FAIRNESS_ID),
      priority,
    };
  }
}

/** Source: translateFlowControlOutcome, pkg/epp/requestcontrol/admission.go, llm-d-router@ebab6879. */
const codeOf = (status: 429 | 500 | 503, outcome: QueueOutcome | undefined): string => {
  if (status === 500 || outcome === "RejectedOther" || outcome === "EvictedOther") return "Internal";
  return status === 503 || outcome === "EvictedContextCancelled" ? "ServiceUnavailable" : "ResourceExhausted";
};

const answered = (series: Series, facts: Finished, seconds: number): void => {
  const { request, firstToken, end, outputTokens, cachedTokens } = facts;
  if (seconds > 0) {
    series.duration.observe(seconds);
    if (outputTokens > 0) series.ntpot.observe(seconds / outputTokens);
  }
  if (firstToken !== undefined) {
    if (firstToken > request.arrival) series.ttft.observe((firstToken - request.arrival) / 1e6);
    if (outputTokens > 1 && end > firstToken) series.tpot.observe((end - firstToken) / (outputTokens - 1) / 1e6);
  }
  series.responseBytes.observe(outputTokens * BYTES_PER_TOKEN);
  if (request.promptTokens > 0) series.inputTokens.observe(request.promptTokens);
  if (outputTokens > 0) series.outputTokens.observe(outputTokens);
  series.cachedTokens.observe(cachedTokens);
};

const seriesOf = (labels: RequestLabels): Series => ({
  ...labels,
  requests: 0,
  running: 0,
  errors: new Map(),
  decided: undefined,
  duration: new Histogram(DURATION_BOUNDS),
  ttft: new Histogram(TTFT_BOUNDS),
  tpot: new Histogram(TPOT_BOUNDS),
  ntpot: new Histogram(NTPOT_BOUNDS),
  requestBytes: new Histogram(REQUEST_BYTES_BOUNDS),
  responseBytes: new Histogram(RESPONSE_BYTES_BOUNDS),
  inputTokens: new Histogram(INPUT_TOKENS_BOUNDS),
  outputTokens: new Histogram(OUTPUT_TOKENS_BOUNDS),
  cachedTokens: new Histogram(INPUT_TOKENS_BOUNDS),
});

const keyOf = ({ model, fairnessId, priority }: RequestLabels): string =>
  `${priority} ${model.length} ${model} ${fairnessId}`;

const entry = <T>(map: Map<string, T>, key: string, fresh: () => T): T => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = fresh();
  map.set(key, made);
  return made;
};

const count = <T>(map: Map<string, Counted<T>>, key: string, fresh: () => T): void => {
  entry(map, key, () => ({ what: fresh(), count: 0 })).count += 1;
};
