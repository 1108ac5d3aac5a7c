import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import type { Request } from "../../../src/model/request.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { type ProfileFormat, presets, presetWorkload, profiles } from "../../../src/workload/profiles/index.ts";
import { meanRate, type SyntheticWorkload, syntheticSource } from "../../../src/workload/sources/index.ts";

const convert = (format: ProfileFormat, text: string) => {
  const profile = profiles.find(({ name }) => name === format);
  if (profile === undefined) throw new Error(`no profile ${format}`);
  return profile.convert(profile.schema.parse(load(text)));
};
const good = (format: ProfileFormat, text: string): SyntheticWorkload => {
  const converted = convert(format, text);
  if (!converted.ok) throw new Error(JSON.stringify(converted.problems));
  return converted.value;
};
const take = (said: SyntheticWorkload, untilSeconds: number, most = 100_000): Request[] => {
  const source = syntheticSource(said, rngOf(1));
  const requests: Request[] = [];
  for (let drawn = source.next(); drawn.kind === "request" && requests.length < most; drawn = source.next()) {
    if (drawn.request.arrival > untilSeconds * 1e6) break;
    requests.push(drawn.request);
  }
  return requests;
};
const near = (actual: number, expected: number, share = 0.1) =>
  expect(Math.abs(actual / expected - 1), `${actual} is not near ${expected}`).toBeLessThan(share);
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const CLIENT =
  "{id: chat, rate_fraction: 1, arrival: {process: poisson}, input_distribution: {type: constant, params: {value: 10}}, output_distribution: {type: constant, params: {value: 5}}";
/** One client with more, as flow YAML. */
const blis = (more = "", top = "aggregate_rate: 10") => `version: "2"\n${top}\nclients:\n  - ${CLIENT}${more}}\n`;
const cohort = (more: string, top = "aggregate_rate: 10") =>
  `version: "2"\n${top}\ncohorts:\n  - ${CLIENT.replace("chat", "office")}, population: 5${more}}\n`;

describe("a specification of BLIS", () => {
  it("shares the rate among clients by their fractions", () => {
    const text = `aggregate_rate: 12\nclients:\n  - ${CLIENT}}\n  - ${CLIENT.replace("chat", "b").replace("rate_fraction: 1", "rate_fraction: 3")}}\n`;
    expect(good("blis-v2", text).clients.map(({ name, rate }) => [name, rate])).toEqual([
      ["chat", 3],
      ["b", 9],
    ]);
  });

  it("reads all that a client has", () => {
    const more =
      ", tenant_id: acme, slo_class: realtime, model: m, adapter: a, streaming: true, prefix_group: g, prefix_length: 64, timeout: 60000000, slo_target_us: 400000, network: {rtt_ms: 20, bandwidth_mbps: 100}, reasoning: {multi_turn: {max_rounds: 5, think_time_us: 4000000, context_growth: accumulate, single_session: true}}";
    expect(good("blis-v2", blis(more, "aggregate_rate: 10\nversion_: x").replace("version_: x\n", "")).clients).toEqual(
      [
        {
          name: "chat",
          rate: 10,
          arrival: { process: "poisson" },
          prompt: { distribution: "constant", tokens: 10 },
          output: { distribution: "constant", tokens: 5 },
          capOutput: true,
          prefix: { tokens: 64, groups: 1, name: "g", perMember: false },
          session: {
            rounds: 5,
            thinkTime: { mean: "4000000us", deviation: "0us" },
            contextGrowth: "accumulate",
            single: true,
          },
          timeout: "60000000us",
          network: { rtt: "20000us", bandwidthMbps: 100 },
          sloClass: "critical",
          slo: { ttft: "400000us" },
          tenant: "acme",
          model: "m",
          adapter: "a",
        },
      ],
    );
  });

  it.each([
    ["{type: gaussian, params: {mean: 256, std_dev: 100, min: 2, max: 800}}", 256],
    ["{type: exponential, params: {mean: 200}}", 200],
    ["{type: lognormal, params: {mu: 5, sigma: 0.5}}", Math.exp(5.125)],
    ["{type: constant, params: {value: 7}}", 7],
    ['{type: empirical, params: {"10": 1, "30": 3}}', 25],
    [
      "{type: pareto_lognormal, params: {alpha: 3, xm: 200, mu: 5, sigma: 0.5, mix_weight: 0.5}}",
      150 + Math.exp(5.125) / 2,
    ],
  ])("draws lengths of %s", (length, mean) => {
    const requests = take(good("blis-v2", blis().replace("{type: constant, params: {value: 10}}", length)), 600);
    near(meanOf(requests.map(({ promptTokens }) => promptTokens)), mean, 0.05);
  });

  it("closes loops with a patience of 300 s, and leaves others open without one", () => {
    expect(good("blis-v2", blis()).clients[0]?.timeout).toBeUndefined();
    const turns = ", reasoning: {multi_turn: {max_rounds: 2}}";
    expect(good("blis-v2", blis(turns)).clients[0]).toMatchObject({
      timeout: "300000000us",
      session: { contextGrowth: "none" },
    });
    expect(good("blis-v2", blis(`${turns}, timeout: 0`)).clients[0]?.timeout).toBeUndefined();
  });

  it("has workers in place of a rate", () => {
    const text = blis(", concurrency: 3, think_time_us: 500000").replace("rate_fraction: 1, ", "");
    expect(good("blis-v2", text.replace("aggregate_rate: 10", "num_requests: 9"))).toMatchObject({
      clients: [{ workers: { count: 3, thinkTime: "500000us" } }],
      requests: 9,
    });
  });

  it("is active in windows only, and up to its horizon", () => {
    const windows =
      ", lifecycle: {windows: [{start_us: 0, end_us: 60000000}, {start_us: 120000000, end_us: 180000000}]}";
    const requests = take(good("blis-v2", blis(windows, "aggregate_rate: 10\nhorizon: 150000000")), 1000);
    near(requests.length, 900);
    for (const { arrival } of requests) expect(arrival < 60e6 || (arrival >= 120e6 && arrival < 150e6)).toBe(true);
  });

  it("takes windows' own rates where there is no aggregate, and their arrivals and lengths", () => {
    const windows =
      ", lifecycle: {windows: [{start_us: 0, end_us: 100000000, trace_rate: 5}, {start_us: 100000000, end_us: 200000000, trace_rate: 20, input_distribution: {type: constant, params: {value: 99}}}]}";
    const requests = take(good("blis-v2", blis(windows, "aggregate_rate: 0")), 1000);
    const [early, late] = [
      requests.filter(({ arrival }) => arrival < 100e6),
      requests.filter(({ arrival }) => arrival >= 100e6),
    ];
    near(early.length, 500, 0.15);
    near(late.length, 2000);
    expect(new Set(early.map(({ promptTokens }) => promptTokens))).toEqual(new Set([10]));
    expect(new Set(late.map(({ promptTokens }) => promptTokens))).toEqual(new Set([99]));
  });

  it("has cohorts of members: spikes, drains and days, with prefixes of their own", () => {
    const spike = good(
      "blis-v2",
      cohort(", prefix_group: p, prefix_sharing: per_member, spike: {start_time_us: 10000000, duration_us: 50000000}"),
    );
    expect(spike.clients[0]).toMatchObject({ members: 5, rate: 10, prefix: { perMember: true, tokens: 50 } });
    const requests = take(spike, 1000);
    near(requests.length, 500, 0.15);
    expect(requests.every(({ arrival }) => arrival >= 10e6 && arrival < 60e6)).toBe(true);
    expect(new Set(requests.map(({ prefix }) => JSON.stringify(prefix))).size).toBe(5);
    const drain = good("blis-v2", cohort(", drain: {start_time_us: 100000000, ramp_duration_us: 100000000}"));
    // 100 s at 10 per second, then ten segments of 10 s, active for 100 %, 90 %, … 10 %.
    expect(meanRate(drain, 1000e6) * 1000).toBeCloseTo(1000 + 550, 6);
    const day = good("blis-v2", cohort(", diurnal: {peak_hour: 14, peak_to_trough_ratio: 4}"));
    // The mean of the hours' multipliers (1 + cos)/2 (1 - 1/4) + 1/4 is 5/8.
    expect(meanRate(day, 86_400e6)).toBeCloseTo((10 * 5) / 8, 3);
  });

  it("shares among those whose windows overlap", () => {
    const window = (start: number, end: number) => `, lifecycle: {windows: [{start_us: ${start}, end_us: ${end}}]}`;
    const text = `aggregate_rate: 10\nclients:\n  - ${CLIENT}${window(0, 100)}}\n  - ${CLIENT.replace("chat", "b")}${window(50, 150)}}\n  - ${CLIENT.replace("chat", "c")}${window(200, 300)}}\n`;
    expect(good("blis-v2", text).clients.map(({ rate }) => rate)).toEqual([5, 5, 10]);
  });

  it("sends images beside text", () => {
    const multimodal =
      ", multimodal: {text_distribution: {type: constant, params: {value: 20}}, image_distribution: {type: constant, params: {value: 50}}, image_count_distribution: {type: constant, params: {value: 2}}}";
    expect(take(good("blis-v2", blis(multimodal)), 1, 1)[0]).toMatchObject({
      promptTokens: 120,
      encoderItems: [
        { offset: 0, tokens: 50 },
        { offset: 50, tokens: 50 },
      ],
    });
  });

  it("reads inference-perf's shared prefixes, chats among them", () => {
    const shared = (chat: boolean) =>
      `inference_perf: {stages: [{rate: 10, duration: 60}, {rate: 30, duration: 60}], shared_prefix: {num_unique_system_prompts: 3, num_users_per_system_prompt: 4, system_prompt_len: 100, question_len: 20, output_len: 5, enable_multi_turn_chat: ${chat}}}`;
    const requests = take(good("blis-v2", shared(false)), 1000);
    near(requests.length, 600 + 1800);
    expect(new Set(requests.map(({ prefix }) => JSON.stringify(prefix))).size).toBe(3);
    const chats = good("blis-v2", shared(true));
    expect(chats.clients).toHaveLength(6);
    expect(chats.clients[0]).toMatchObject({
      members: 4,
      session: { rounds: 50, thinkTime: { mean: "1200000us" }, single: true },
    });
  });

  it("says what has no effect", () => {
    const converted = convert(
      "blis-v2",
      blis("", "aggregate_rate: 1\nseed: 3\ngoodput_slo_targets: {standard: {ttft: 1}}"),
    );
    expect(converted.ok && converted.warnings.map(({ field, reason }) => [field, reason])).toEqual([
      ["seed", "NoEffect"],
      ["goodput_slo_targets", "NoEffect"],
    ]);
  });
});

describe("a configuration of inference-perf", () => {
  const perf = (load_: string, data: string) =>
    `load: ${load_}\ndata: ${data}\nserver: {type: vllm}\nreport: {request_lifecycle: {summary: true}}\n`;
  const RANDOM =
    "{type: random, input_distribution: {mean: 50, std_dev: 10, min: 10, max: 100, total_count: 7}, output_distribution: {type: fixed, mean: 9}}";

  it("has stages with pauses between them", () => {
    const requests = take(
      good(
        "inference-perf",
        perf("{type: constant, interval: 30, stages: [{rate: 5, duration: 100}, {rate: 20, duration: 100}]}", RANDOM),
      ),
      1000,
    );
    const within = (from: number, to: number) =>
      requests.filter(({ arrival }) => arrival >= from * 1e6 && arrival < to * 1e6).length;
    near(within(0, 100), 500, 0.15);
    expect(within(100, 130)).toBe(0);
    near(within(130, 230), 2000);
    expect(within(230, 1000)).toBe(0);
    near(meanOf(requests.map(({ promptTokens }) => promptTokens)), 50, 0.05);
    expect(requests.every(({ outputTokens, maxTokens }) => outputTokens === 9 && maxTokens === 9)).toBe(true);
  });

  it("has workers", () => {
    const said = good(
      "inference-perf",
      perf("{type: concurrent, request_timeout: 30, stages: [{num_requests: 40, concurrency_level: 3}]}", RANDOM),
    );
    expect(said.clients).toMatchObject([
      { workers: { count: 3, thinkTime: "0us" }, requests: 40, timeout: "30000000us" },
    ]);
  });

  it("shares prefixes, by either name, with lengths in either way", () => {
    const data =
      "{type: shared_prefix, shared_prefix: {num_groups: 4, num_users_per_system_prompt: 2, system_prompt_len: 64, question_len: {type: uniform, min: 5, max: 9}, output_len: 3, output_distribution: {type: fixed, mean: 8}}}";
    const requests = take(
      good("inference-perf", perf("{type: poisson, stages: [{rate: 10, duration: 60}]}", data)),
      100,
    );
    expect(new Set(requests.map(({ prefix }) => JSON.stringify(prefix))).size).toBe(4);
    expect(
      requests.every(
        ({ promptTokens, outputTokens }) => promptTokens >= 69 && promptTokens <= 73 && outputTokens === 8,
      ),
    ).toBe(true);
  });

  it("goes round its conversations", () => {
    const data =
      "{type: shared_prefix, shared_prefix: {num_groups: 4, num_prompts_per_group: 5, enable_multi_turn_chat: true}}";
    const said = good("inference-perf", perf("{type: poisson, stages: [{rate: 10, duration: 60}]}", data));
    expect(said.clients).toMatchObject([
      {
        members: 20,
        session: { rounds: 30, thinkTime: { mean: "2000000us" }, contextGrowth: "accumulate", single: true },
        prefix: { tokens: 100, groups: 4 },
      },
    ]);
  });

  it("splits the traffic by adapter", () => {
    const text = perf(
      "{type: poisson, stages: [{rate: 10, duration: 60}], lora_traffic_split: [{name: a, split: 0.25}, {name: b, split: 0.75}]}",
      RANDOM,
    );
    expect(good("inference-perf", text).clients.map(({ adapter, rate }) => [adapter, rate])).toEqual([
      ["a", 2.5],
      ["b", 7.5],
    ]);
  });

  it.each([
    ["no stages", perf("{}", RANDOM), "load.stages", "there are none"],
    [
      "a sweep",
      perf("{sweep: {type: linear}, stages: [{rate: 1, duration: 1}]}", RANDOM),
      "load.sweep",
      "is not simulated",
    ],
    [
      "a rate missing",
      perf("{stages: [{duration: 1}]}", RANDOM),
      "load.stages[0].rate",
      "is required for a constant load",
    ],
    [
      "workers in a rated stage",
      perf("{stages: [{rate: 1, duration: 1, num_requests: 4}]}", RANDOM),
      "load.stages[0].num_requests",
      "for a concurrent load only",
    ],
    [
      "two concurrent stages",
      perf(
        "{type: concurrent, stages: [{num_requests: 1, concurrency_level: 1}, {num_requests: 1, concurrency_level: 1}]}",
        RANDOM,
      ),
      "load.stages",
      "only one can be simulated",
    ],
    [
      "a data set",
      perf("{stages: [{rate: 1, duration: 1}]}", "{type: shareGPT}"),
      "data.type",
      "needs texts that are not here",
    ],
    [
      "min above max",
      perf("{stages: [{rate: 1, duration: 1}]}", RANDOM.replace("min: 10", "min: 200")),
      "data.input_distribution.min",
      "must not exceed max, 100",
    ],
    [
      "two spreads",
      perf("{stages: [{rate: 1, duration: 1}]}", RANDOM.replace("total_count: 7", "variance: 3")),
      "data.input_distribution.variance",
      "can't be set beside std_dev",
    ],
    [
      "a skew",
      perf("{stages: [{rate: 1, duration: 1}]}", RANDOM.replace("mean: 50", "type: skew_normal, mean: 50")),
      "data.input_distribution.type",
      "is not simulated",
    ],
    [
      "shares that don't add up",
      perf("{stages: [{rate: 1, duration: 1}], lora_traffic_split: [{name: a, split: 0.5}]}", RANDOM),
      "load.lora_traffic_split",
      "they add up to 0.5".slice(5),
    ],
  ])("refuses %s", (_name, text, field, says) => {
    const converted = convert("inference-perf", text);
    if (converted.ok) throw new Error("was taken");
    expect(converted.problems.map((problem) => problem.field)).toContain(field);
    expect(converted.problems.map(({ message }) => message).join("\n")).toContain(says);
  });
});

describe("a specification of BLIS with a fault", () => {
  const input = "{type: constant, params: {value: 10}}";
  const lifecycle = (windows: string) => blis(`, lifecycle: {windows: [${windows}]}`);
  it.each([
    ["no clients", "aggregate_rate: 1", "clients", "no clients and no cohorts"],
    [
      "fractions all zero",
      blis().replace("rate_fraction: 1", "rate_fraction: 0"),
      "clients[0].rate_fraction",
      "must be above 0",
    ],
    ["no rate at all", blis("", "aggregate_rate: 0"), "clients[0].lifecycle", "aggregate_rate is 0"],
    [
      "a window without a rate",
      lifecycle("{start_us: 0, end_us: 5}").replace("aggregate_rate: 10", "aggregate_rate: 0"),
      "clients[0].lifecycle.windows[0].trace_rate",
      "is required",
    ],
    [
      "windows out of order",
      lifecycle("{start_us: 10, end_us: 20}, {start_us: 0, end_us: 5}"),
      "clients[0].lifecycle.windows[1].start_us",
      "windows must stand in order",
    ],
    [
      "a window that runs back",
      lifecycle("{start_us: 10, end_us: 10}"),
      "clients[0].lifecycle.windows[0].end_us",
      "must lie after start_us",
    ],
    ["an unknown class", blis(", slo_class: gold"), "clients[0].slo_class", "must be one of critical"],
    [
      "a class for some only",
      `aggregate_rate: 1\nclients:\n  - ${CLIENT}, slo_class: batch}\n  - ${CLIENT.replace("chat", "b")}}\n`,
      "clients[1].slo_class",
      "is required where any other client has one",
    ],
    [
      "one name twice",
      `aggregate_rate: 1\nclients:\n  - ${CLIENT}}\n  - ${CLIENT}}\n`,
      "clients[1].id",
      "is there twice",
    ],
    [
      "min above max",
      blis().replace(input, "{type: gaussian, params: {mean: 5, std_dev: 1, min: 9, max: 8}}"),
      "clients[0].input_distribution.params.min",
      "must not exceed max, 8",
    ],
    [
      "a parameter missing",
      blis().replace(input, "{type: exponential}"),
      "clients[0].input_distribution.params.mean",
      "is required for exponential",
    ],
    [
      "a parameter too many",
      blis().replace(input, "{type: constant, params: {value: 1, mean: 2}}"),
      "clients[0].input_distribution.params.mean",
      "constant has no such parameter",
    ],
    [
      "weights all zero",
      blis().replace(input, '{type: empirical, params: {"5": 0}}'),
      "clients[0].input_distribution.params",
      "its weights are all 0",
    ],
    [
      "a file",
      blis().replace(input, "{type: empirical, file: a.csv}"),
      "clients[0].input_distribution.file",
      "are not read",
    ],
    [
      "a wild weibull",
      blis().replace("process: poisson", "process: weibull, cv: 11"),
      "clients[0].arrival.cv",
      "must be from 0.01 to 10.4",
    ],
    [
      "open multi-turn",
      blis(", closed_loop: false, reasoning: {multi_turn: {max_rounds: 2}}"),
      "clients[0].closed_loop",
      "rounds always wait",
    ],
    [
      "workers with a fraction",
      blis(", concurrency: 3"),
      "clients[0].concurrency",
      "can't be set beside rate_fraction",
    ],
    [
      "members without a group",
      cohort(", prefix_sharing: per_member"),
      "cohorts[0].prefix_sharing",
      "needs a prefix_group",
    ],
    ["a pool", blis("", "aggregate_rate: 1\nservegen_data: {path: data}"), "servegen_data", "are not read"],
  ])("is refused for %s", (_name, text, field, says) => {
    const converted = convert("blis-v2", text);
    if (converted.ok) throw new Error("was taken");
    expect(converted.problems).toHaveLength(1);
    expect(converted.problems[0]).toMatchObject({ field, severity: "error" });
    expect(converted.problems[0]?.message).toContain(says);
  });
});

describe("presets", () => {
  // Means of the tables in BLIS's defaults and scenarios, weighted by share; clamping moves the last digits.
  it.each([
    ["chatbot", 256, 256],
    ["contentgen", 1024, 1024],
    ["summarization", 4096, 512],
    ["multidoc", 10_240, 1536],
    ["default", 518, 518],
    ["bursty", 512, 256],
    ["unfair-tenants", 0.9 * 1024 + 0.1 * 128, 0.9 * 512 + 0.1 * 64],
    ["prefix-heavy", 0.8 * 306 + 0.2 * 512, 0.8 * 128 + 0.2 * 256],
    ["mixed-slo", 0.33 * 64 + 0.34 * 260 + 0.33 * 1024, 0.33 * 32 + 0.34 * 128 + 0.33 * 512],
  ] as const)("%s has BLIS's lengths, at the rate", (preset, prompt, output) => {
    const requests = take(presetWorkload(preset, 20), 500, 1e6);
    near(requests.length, 10_000, preset === "bursty" ? 0.15 : 0.05);
    near(meanOf(requests.map(({ promptTokens }) => promptTokens)), prompt, 0.06);
    near(meanOf(requests.map(({ outputTokens }) => outputTokens)), output, 0.06);
  });

  it("are all in the table", () => expect(presets).toHaveLength(9));
});
