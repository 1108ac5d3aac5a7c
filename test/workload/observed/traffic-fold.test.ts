import { describe, expect, it } from "vitest";
import {
  candidateNames,
  detect,
  type RawSeries,
  type TrafficFamilies,
  TrafficFold,
  type TrafficMetrics,
} from "../../../src/workload/observed/index.ts";

const PRESENT = [
  "vllm:request_success_total",
  "vllm:num_requests_running",
  "vllm:num_requests_waiting",
  "vllm:request_prompt_tokens_bucket",
  "vllm:request_generation_tokens_bucket",
  "vllm:prefix_cache_queries_total",
  "vllm:prefix_cache_hits_total",
];
const families = (present = PRESENT, metrics: TrafficMetrics = "Auto"): TrafficFamilies =>
  detect(metrics, new Set(present)) as TrafficFamilies;

type Points = readonly (readonly [number, number])[];
const series = (name: string, points: Points, labels: Record<string, string> = {}): RawSeries => ({
  labels: { __name__: name, pod: "a", model_name: "llama", ...labels },
  points,
});
const every = (seconds: number, values: readonly number[]): Points => values.map((value, i) => [i * seconds, value]);

const foldOf = (all: readonly RawSeries[], until: number, options: { models?: readonly string[] } = {}) => {
  const fold = new TrafficFold({ families: families(), startSeconds: 0, stepSeconds: 30, ...options });
  fold.add(all);
  return { steps: fold.take(until), fold };
};
const requests = (steps: ReturnType<typeof foldOf>["steps"]): number[] =>
  steps.map(({ classes }) => classes.reduce((sum, one) => sum + one.requests, 0));

describe("detect", () => {
  it("prefers who counts requests as they arrive, and takes the rest from the engines", () => {
    const epp = families([...PRESENT, "llm_d_epp_request_total", "inference_objective_request_total"]);
    expect(epp).toMatchObject({
      name: "EPP",
      requests: "llm_d_epp_request_total",
      prompts: "vllm:request_prompt_tokens",
    });
    expect(epp.found).toBe("vllm:prefix_cache_hits_total");
    expect(families([...PRESENT, "istio_requests_total"]).name).toBe("vLLM");
    expect(families([...PRESENT, "istio_requests_total"], "Gateway").requests).toBe("istio_requests_total");
    expect(families(["inference_objective_request_total"]).prompts).toBeUndefined();
    expect(detect("EPP", new Set(PRESENT))).toBeUndefined();
  });

  it("knows the names of older engines, and asks for every name that it knows", () => {
    const old = PRESENT.map((name) => name.replace("vllm:prefix", "vllm:gpu_prefix"));
    expect(families(old).found).toBe("vllm:gpu_prefix_cache_hits_total");
    expect(candidateNames("Auto")).toEqual(expect.arrayContaining([...old, ...PRESENT, "llm_d_epp_request_total"]));
  });
});

describe("TrafficFold", () => {
  it("counts arrivals as what ended and what came to be under way, per step", () => {
    const { steps } = foldOf(
      [
        series("vllm:request_success_total", every(15, [0, 0, 10, 10, 40]), { finished_reason: "stop" }),
        series("vllm:request_success_total", every(15, [5, 5, 5, 10, 10]), { finished_reason: "length" }),
        series("vllm:num_requests_running", every(15, [0, 20, 10, 10, 5])),
        series("vllm:num_requests_waiting", every(15, [0, 10, 10, 5, 0])),
      ],
      60,
    );
    // 5, 35, 35, 35, 55 in all.
    expect(requests(steps)).toEqual([30, 20]);
    expect(steps.map(({ coverage }) => coverage)).toEqual([1, 1]);
  });

  it("takes a fall for a restart from 0, and says so", () => {
    const { steps, fold } = foldOf(
      [
        series("vllm:request_success_total", every(15, [100, 110, 4, 9, 9])),
        series("vllm:num_requests_running", every(15, [0, 0, 1, 0, 0])),
        series("vllm:num_requests_waiting", every(15, [0, 0, 0, 0, 0])),
      ],
      60,
    );
    expect(requests(steps)).toEqual([15, 4]);
    expect(fold.notes).toMatchObject({ resets: 1, targets: 1, gaps: 0 });
  });

  it("spreads over a gap what was counted over it, and knows that it didn't see it", () => {
    const { steps, fold } = foldOf(
      [
        series("vllm:request_success_total", [
          [0, 0],
          [600, 200],
          [630, 210],
        ]),
      ],
      630,
    );
    expect(requests(steps).every((count) => Math.abs(count - 10) < 1e-9)).toBe(true);
    expect(steps.map(({ coverage }) => coverage)).toEqual([...new Array(20).fill(0), 1]);
    expect(fold.notes.gaps).toBe(1);
  });

  it("takes nothing from a series' first sample, and adds up pods", () => {
    const { steps, fold } = foldOf(
      [
        series("vllm:request_success_total", every(15, [0, 5, 10, 15, 20])),
        series(
          "vllm:request_success_total",
          [
            [30, 70_000],
            [45, 70_003],
            [60, 70_003],
          ],
          { pod: "b" },
        ),
      ],
      60,
    );
    expect(requests(steps)).toEqual([10, 13]);
    expect(fold.notes.targets).toBe(2);
  });

  it("leaves out samples that are no number, and the scrapes that lack one", () => {
    const { steps, fold } = foldOf(
      [
        series("vllm:request_success_total", every(15, [0, 5, Number.NaN, 15, 20])),
        series("vllm:num_requests_running", every(15, [2, 2, 2, Number.POSITIVE_INFINITY, 2])),
      ],
      60,
    );
    expect(requests(steps).reduce((a, b) => a + b)).toBeCloseTo(20);
    expect(fold.notes).toMatchObject({ badSamples: 2, resets: 0 });
  });

  const bucket = (le: string, rise: number, labels: Record<string, string> = {}) =>
    series(
      "vllm:request_prompt_tokens_bucket",
      [
        [0, 7],
        [30, 7 + rise],
      ],
      { le, ...labels },
    );

  it("reads lengths from cumulative buckets, with their sum", () => {
    const { steps } = foldOf(
      [
        bucket("10", 2),
        bucket("100", 5),
        bucket("+Inf", 6),
        series("vllm:request_prompt_tokens_sum", [
          [0, 9],
          [30, 409],
        ]),
      ],
      30,
    );
    expect(steps[0]?.classes[0]?.prompts).toEqual({ bounds: [10, 100], counts: [2, 3, 1], sum: 400 });
  });

  it("takes the count where +Inf is missing, and makes no length of a bucket that fell behind", () => {
    const { steps, fold } = foldOf(
      [
        bucket("10", 4),
        bucket("100", 3),
        series("vllm:request_prompt_tokens_count", [
          [0, 0],
          [30, 5],
        ]),
      ],
      30,
    );
    expect(steps[0]?.classes[0]?.prompts).toEqual({ bounds: [10, 100], counts: [4, 0, 1], sum: undefined });
    expect(fold.notes.withoutInf).toBe(1);
  });

  it("goes by the bounds that all pods have", () => {
    const { steps, fold } = foldOf(
      [
        ...["10", "50", "100", "+Inf"].map((le, i) => bucket(le, i + 1)),
        ...["10", "100", "200", "+Inf"].map((le, i) => bucket(le, i + 1, { pod: "b" })),
      ],
      30,
    );
    expect(steps[0]?.classes[0]?.prompts).toMatchObject({ bounds: [10, 100], counts: [2, 3, 3] });
    expect(fold.notes.mixedBounds).toBe(true);
  });

  it("takes samples in pieces as time goes on, and leaves out what comes too late", () => {
    const counter = every(15, [0, 3, 9, 12, 30]);
    const { steps: whole } = foldOf([series("vllm:request_success_total", counter)], 60);
    const fold = new TrafficFold({ families: families(), startSeconds: 0, stepSeconds: 30 });
    const pieces = [counter.slice(0, 3), counter.slice(1, 4), counter.slice(3)].flatMap((points, i) => {
      fold.add([series("vllm:request_success_total", points)]);
      return fold.take([30, 30, 60][i] as number);
    });
    expect(pieces).toEqual(whole);
    fold.add([
      series(
        "vllm:request_success_total",
        [
          [5, 0],
          [90, 85],
        ],
        { pod: "late" },
      ),
    ]);
    expect(fold.notes.late).toBe(55);
    expect(requests(fold.take(90))).toEqual([30]);
  });

  it("tells classes by model, and leaves out models that aren't asked for", () => {
    const all = [
      series("vllm:request_success_total", [
        [0, 0],
        [30, 6],
      ]),
      series(
        "vllm:request_success_total",
        [
          [0, 0],
          [30, 4],
        ],
        { model_name: "qwen" },
      ),
    ];
    expect(foldOf(all, 30).steps[0]?.classes.map(({ name, requests: n }) => [name, n])).toEqual([
      ["llama", 6],
      ["qwen", 4],
    ]);
    const { steps, fold } = foldOf(all, 30, { models: ["llama"] });
    expect(steps[0]?.classes.map(({ name }) => name)).toEqual(["llama"]);
    expect([...fold.otherModels]).toEqual([["qwen", 4]]);
  });

  it("tells nothing of a stretch without samples", () => {
    const { steps } = foldOf([], 60);
    expect(steps).toEqual([
      { fromMicros: 0, classes: [], coverage: 0 },
      { fromMicros: 30_000_000, classes: [], coverage: 0 },
    ]);
  });
});
