import { describe, expect, it } from "vitest";
import type { MetricFamily } from "../../../src/model/metric-family.ts";
import {
  bucketsOf,
  compare,
  DRIFT_METRICS,
  DRIFT_SERIES,
  DriftWatch,
  type Pair,
  type Reading,
  readingOf,
} from "../../../src/report/drift/index.ts";
import { intervalOf } from "../../../src/report/drift/reading.ts";
import { standardNormal } from "../../../src/sim/draw.ts";
import { rngOf } from "../../../src/sim/rng.ts";

const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 20];

/** An engine of which is told what chance makes of some means. */
class Side {
  readonly #rng;
  readonly #pods: number;
  readonly #factor: number;
  readonly #rate: number;
  readonly #histograms = new Map<string, { upTo: number[]; sum: number }>();

  constructor(seed: number, { pods = 2, factor = 1, rate = 100 } = {}) {
    this.#rng = rngOf(seed).stream("side");
    this.#pods = pods;
    this.#factor = factor;
    this.#rate = rate;
  }

  minute(): Reading {
    const values: Reading[number][] = [];
    for (let pod = 0; pod < this.#pods; pod += 1) {
      const labels = { pod: `p${pod}`, model_name: "m" };
      const requests = Math.max(0, Math.round((this.#rate / this.#pods) * (1 + 0.1 * standardNormal(this.#rng))));
      const told = (name: string, mean: number, count: number, scale = 1): void => {
        const key = `${name} ${pod}`;
        const known = this.#histograms.get(key) ?? { upTo: BOUNDS.map(() => 0).concat(0), sum: 0 };
        this.#histograms.set(key, known);
        for (let i = 0; i < count; i += 1) {
          const value = mean * Math.exp(0.3 * standardNormal(this.#rng));
          known.sum += value;
          known.upTo.forEach((_, b) => {
            if (value <= (BOUNDS[b] ?? Infinity) * scale) known.upTo[b] = (known.upTo[b] as number) + 1;
          });
        }
        known.upTo.forEach((value, b) => {
          const le = String(BOUNDS[b] === undefined ? "+Inf" : BOUNDS[b] * scale);
          values.push({ labels: { ...labels, __name__: `${name}_bucket`, le }, value });
        });
        values.push({ labels: { ...labels, __name__: `${name}_sum` }, value: known.sum });
        values.push({ labels: { ...labels, __name__: `${name}_count` }, value: known.upTo.at(-1) as number });
      };
      told("vllm:time_to_first_token_seconds", 0.2 * this.#factor, requests);
      told("vllm:inter_token_latency_seconds", 0.03 * this.#factor, 10 * requests);
      told("vllm:e2e_request_latency_seconds", 4 * this.#factor, requests);
      told("vllm:request_prompt_tokens", 600, requests, 200);
      told("vllm:request_generation_tokens", 100, requests, 100);
      const gauge = (name: string, value: number) => values.push({ labels: { ...labels, __name__: name }, value });
      gauge("vllm:num_requests_running", 8 + standardNormal(this.#rng));
      gauge("vllm:num_requests_waiting", 0);
      gauge("vllm:kv_cache_usage_perc", 0.3 + 0.02 * standardNormal(this.#rng));
    }
    return values;
  }
}

const watched = (ours: Side, theirs: Side, minutes: number) => {
  const watch = new DriftWatch();
  return Array.from({ length: minutes + 1 }, () => watch.add(ours.minute(), theirs.minute()));
};

describe("readings", () => {
  const families: MetricFamily[] = [
    {
      name: "vllm:time_to_first_token_seconds",
      type: "histogram",
      help: "",
      samples: [{ labels: { pod: "a" }, value: { bounds: [0.1], counts: [2, 1], sum: 3 } }],
    },
    { name: "vllm:num_requests_running", type: "gauge", help: "", samples: [{ labels: { pod: "a" }, value: 4 }] },
    { name: "vllm:num_preemptions", type: "counter", help: "", samples: [{ labels: { pod: "a" }, value: 9 }] },
  ];

  it("are the series that a scrape would have, of what is compared", () => {
    const reading = readingOf(families);
    expect(reading.map(({ labels: { __name__: name, le }, value }) => [name, le, value])).toEqual([
      ["vllm:time_to_first_token_seconds_bucket", "0.1", 2],
      ["vllm:time_to_first_token_seconds_bucket", "+Inf", 3],
      ["vllm:time_to_first_token_seconds_sum", undefined, 3],
      ["vllm:time_to_first_token_seconds_count", undefined, 3],
      ["vllm:num_requests_running", undefined, 4],
    ]);
    for (const { labels } of reading) expect(DRIFT_SERIES).toContain(labels["__name__"]);
  });

  it("make intervals as increase does: restarts from 0, new pods untold, NaN left out", () => {
    const count = (pod: string, value: number) => ({
      labels: { __name__: "vllm:e2e_request_latency_seconds_count", pod },
      value,
    });
    const running = (pod: string, value = 1) => ({ labels: { __name__: "vllm:num_requests_running", pod }, value });
    const interval = intervalOf(
      [count("a", 10), count("b", 50), count("nan", Number.NaN)],
      [
        count("a", 14),
        count("b", 3),
        count("c", 1000),
        count("nan", 5),
        running("a"),
        running("b"),
        running("c", Number.NaN),
      ],
    );
    expect([interval?.e2e.count, interval?.replicas, interval?.running]).toEqual([7, 2, 2]);
    expect(intervalOf([], [count("a", 1)])).toBeUndefined();
  });

  it("has the bounds that all pods have, where they differ, without +Inf too", () => {
    const histogram = (pod: string, buckets: Readonly<Record<string, number>>, total: number): Reading => [
      ...Object.entries(buckets).map(([le, value]) => ({
        labels: { __name__: "vllm:e2e_request_latency_seconds_bucket", pod, le },
        value,
      })),
      { labels: { __name__: "vllm:e2e_request_latency_seconds_count", pod }, value: total },
      { labels: { __name__: "vllm:num_requests_running", pod }, value: 0 },
    ];
    const reading = (times: number): Reading => [
      ...histogram("a", { "1": 4 * times, "2": 8 * times, "+Inf": 10 * times }, 10 * times),
      ...histogram("b", { "1": 1 * times, "5": 9 * times }, 10 * times),
    ];
    const e2e = intervalOf(reading(1), reading(2))?.e2e;
    expect([...(e2e?.upTo ?? [])]).toEqual([[1, 5]]);
    expect(e2e && bucketsOf(e2e)).toEqual({ bounds: [1], counts: [5, 15] });
  });
});

describe("compare", () => {
  it("has its error where chance has it: 90 % of its margins are exceeded no more often than said", () => {
    const metric = DRIFT_METRICS.find(({ name }) => name === "itl_mean");
    if (metric === undefined) throw new Error("no such metric");
    // Right at the margin a confidence is uniform, so one in ten lies above 0.9.
    const confidences = Array.from({ length: 40 }, (_, seed) => {
      const [ours, theirs] = [new Side(seed, { factor: 1.05, rate: 20 }), new Side(1000 + seed, { rate: 20 })];
      const pairs: Pair[] = [];
      let [a, b] = [ours.minute(), theirs.minute()];
      for (let i = 0; i < 10; i += 1) {
        const [c, d] = [ours.minute(), theirs.minute()];
        pairs.push({ simulated: intervalOf(a, c), production: intervalOf(b, d) } as Pair);
        [a, b] = [c, d];
      }
      return compare(metric, pairs)?.confidence as number;
    });
    const above = confidences.filter((confidence) => confidence > 0.9).length;
    expect(above).toBeGreaterThan(0);
    expect(above).toBeLessThan(11);
  });
});

describe("DriftWatch", () => {
  it("says nothing while it knows too little, and then that equals are equal", () => {
    const said = watched(new Side(1), new Side(2), 20);
    expect(said.slice(0, 5).map(({ drifted }) => drifted)).toEqual(new Array(5).fill(undefined));
    expect(said.slice(5).map(({ drifted }) => drifted)).toEqual(new Array(16).fill(false));
  });

  it.each([
    ["a slower engine", { factor: 1.15 }, "EngineDiffers", "production's engine is slower"],
    ["a faster engine", { factor: 0.85 }, "EngineDiffers", "production's engine is faster"],
    ["more traffic", { rate: 140 }, "TrafficDiffers", "the traffic differs"],
    ["more replicas", { pods: 3 }, "ReplicasDiffer", "the number of replicas differs"],
  ])("finds %s within half an hour, and says what it is", (_name, production, cause, says) => {
    const last = watched(new Side(3), new Side(4, production), 30).at(-1);
    expect(last).toMatchObject({ drifted: true, cause });
    expect(last?.message).toContain(says);
  });

  it("takes its time to believe that it is over", () => {
    const watch = new DriftWatch();
    const ours = new Side(5);
    const slow = new Side(6, { factor: 1.3 });
    for (let i = 0; i < 20; i += 1) watch.add(ours.minute(), slow.minute());
    expect(watch.add(ours.minute(), slow.minute()).drifted).toBe(true);
    const well = new Side(7);
    const after = Array.from({ length: 50 }, () => watch.add(ours.minute(), well.minute()).drifted);
    expect(after[8]).toBe(true);
    expect(after.at(-1)).toBe(false);
  });
});
