import * as z from "zod";
import type { Result } from "../../model/problem.ts";
import type { LengthSaid } from "../lengths/index.ts";
import {
  constantLength,
  microsText,
  normalLength,
  type Path,
  type Profile,
  ProfileProblems,
  profileClient,
} from "../profile.ts";
import { stagesPattern } from "../shared-prefix.ts";
import type { ClientSaid, SyntheticWorkload } from "../synthetic-workload.ts";

const TYPES = ["normal", "skew_normal", "lognormal", "uniform", "poisson", "fixed"] as const;

const distribution = z.lazy(() =>
  z.strictObject({
    min: z.int().min(0).max(1_000_000).default(10),
    max: z.int().min(0).max(1_000_000).default(1024),
    mean: z.number().min(0).max(1_000_000).default(512),
    std_dev: z.number().min(0).max(1_000_000).optional(),
    variance: z.number().min(0).max(1e12).optional(),
    skew: z.number().default(0),
    total_count: z.int().min(1).optional(),
    type: z.enum(TYPES).default("normal"),
  }),
);
type Distribution = z.output<typeof distribution>;

/** A number stands for that length, always. */
const length = z.lazy(() =>
  z.preprocess(
    (said) => (typeof said === "number" ? { type: "fixed", min: said, max: said, mean: said } : said),
    distribution,
  ),
);
const always = (tokens: number) => ({ min: tokens, max: tokens, mean: tokens, skew: 0, type: "fixed" as const });

const sharedPrefix = z.lazy(() =>
  z.strictObject({
    num_groups: z.int().min(1).max(1_000_000).optional(),
    num_unique_system_prompts: z.int().min(1).max(1_000_000).optional(),
    num_prompts_per_group: z.int().min(1).max(1_000_000).optional(),
    num_users_per_system_prompt: z.int().min(1).max(1_000_000).optional(),
    system_prompt_len: length.default(always(100)),
    question_len: length.default(always(50)),
    output_len: length.default(always(50)),
    seed: z.int().optional(),
    question_distribution: distribution.optional(),
    output_distribution: distribution.optional(),
    enable_multi_turn_chat: z.boolean().default(false),
    multimodal: z.unknown().optional(),
  }),
);

const KINDS = [
  "mock",
  "shareGPT",
  "synthetic",
  "random",
  "shared_prefix",
  "cnn_dailymail",
  "infinity_instruct",
] as const;
const OTHER_KINDS = [
  "billsum_conversations",
  "otel_trace_replay",
  "weka_trace_replay",
  "conversation_replay",
  "visionarena",
] as const;

const data = z.lazy(() =>
  z.strictObject({
    type: z.enum([...KINDS, ...OTHER_KINDS]).default("mock"),
    path: z.string().optional(),
    corpus_file_path: z.string().optional(),
    input_distribution: distribution.optional(),
    output_distribution: distribution.optional(),
    shared_prefix: sharedPrefix.optional(),
    multimodal: z.unknown().optional(),
    trace: z.unknown().optional(),
    otel_trace_replay: z.unknown().optional(),
    weka_trace_replay: z.unknown().optional(),
    conversation_replay: z.unknown().optional(),
    visionarena: z.unknown().optional(),
    use_chat_template: z.boolean().default(false),
  }),
);

const stage = z.lazy(() =>
  z.strictObject({
    rate: z.number().gt(0).max(1e6).optional(),
    duration: z.int().min(1).max(1e9).optional(),
    num_requests: z.int().min(1).max(1e9).optional(),
    concurrency_level: z.int().min(1).max(10_000).optional(),
  }),
);

const load = z.lazy(() =>
  z.strictObject({
    type: z.enum(["constant", "poisson", "concurrent", "trace_replay", "trace_session_replay"]).default("constant"),
    interval: z.number().min(0).max(1e6).default(1),
    stages: z.array(stage).max(1000).default([]),
    sweep: z.unknown().optional(),
    num_workers: z.int().min(0).optional(),
    worker_max_concurrency: z.int().min(1).optional(),
    worker_max_tcp_connections: z.int().min(1).optional(),
    trace: z.unknown().optional(),
    circuit_breakers: z.array(z.string()).default([]),
    request_timeout: z.number().gt(0).max(1e6).optional(),
    lora_traffic_split: z
      .array(z.strictObject({ name: z.string().min(1).max(256), split: z.number().min(0).max(1) }))
      .max(100)
      .optional(),
    base_seed: z.int().optional(),
  }),
);

/** Sections that say nothing of the traffic are taken as they are. */
const schema = z.lazy(() =>
  z.strictObject({
    api: z.unknown().optional(),
    data: data.prefault({}),
    load: load.prefault({}),
    metrics: z.unknown().optional(),
    report: z.unknown().optional(),
    storage: z.unknown().optional(),
    server: z.unknown().optional(),
    tokenizer: z.unknown().optional(),
    circuit_breakers: z.unknown().optional(),
  }),
);
type Config = z.output<typeof schema>;

/**
 * A configuration of inference-perf (kubernetes-sigs/inference-perf @7de5ef2e, `inference_perf/config`), as llm-d-benchmark's
 * profiles are. Both `constant` and `poisson` load are exponential gaps (`loadgen/load_timer.py`): the former scaled to exactly
 * rate x duration requests per stage, the latter second by second; here both are Poisson, and the count is left to chance.
 */
export const inferencePerf: Profile<"inference-perf"> = {
  name: "inference-perf",
  summary: "configuration of inference-perf: load stages, and data of type random, synthetic or shared_prefix",
  schema,
  convert: (said) => convert(said as Config),
};

const convert = (config: Config): Result<SyntheticWorkload> => {
  const problems = new ProfileProblems();
  const { load: loads } = config;
  if (loads.base_seed !== undefined) {
    problems.warn(["load", "base_seed"], "has no effect: run.seed is the root of every random stream");
  }
  for (const name of ["sweep", "trace"] as const) {
    if (loads[name] !== undefined && loads[name] !== null)
      problems.error(["load", name], "is not simulated", "write stages");
  }
  const timed = timingOf(config, problems);
  const made = requestsOf(config, problems);
  if (timed === undefined || made === undefined) return problems.result(undefined);
  const clients = made.flatMap((request) => splitByAdapter({ ...timed, ...request }, loads, problems));
  return problems.result({ clients, pattern: [] });
};

type Timing = Pick<ClientSaid, "rate" | "workers" | "requests" | "pattern" | "timeout">;

const timingOf = (
  { load: { type, stages, interval, request_timeout: timeout } }: Config,
  problems: ProfileProblems,
): Timing | undefined => {
  if (type === "trace_replay" || type === "trace_session_replay") {
    return problems.error(["load", "type"], `${type} is not simulated`, "use workload.trace");
  }
  if (stages.length === 0) return problems.error(["load", "stages"], "there are none", "write at least one");
  const patience = timeout === undefined ? {} : { timeout: microsText(timeout * 1e6) };
  if (type === "concurrent") {
    const [only] = stages;
    if (stages.length > 1) {
      return problems.error(
        ["load", "stages"],
        "of a concurrent load only one can be simulated: when the next begins depends on the last",
        "write one simulation per stage",
      );
    }
    const { concurrency_level: count, num_requests: requests } = only ?? {};
    for (const name of ["concurrency_level", "num_requests"] as const) {
      if (only?.[name] === undefined) problems.error(["load", "stages", 0, name], "is required for a concurrent load");
    }
    if (count === undefined || requests === undefined) return undefined;
    return { workers: { count, thinkTime: "0us" }, requests, ...patience };
  }
  for (const [i, one] of stages.entries()) {
    for (const name of ["rate", "duration"] as const) {
      if (one[name] === undefined) problems.error(["load", "stages", i, name], `is required for a ${type} load`);
    }
    for (const name of ["concurrency_level", "num_requests"] as const) {
      if (one[name] !== undefined) problems.error(["load", "stages", i, name], "is for a concurrent load only");
    }
  }
  if (problems.errors.length > 0) return undefined;
  const { rate, windows } = stagesPattern(
    stages.map(({ rate: r = 0, duration = 0 }) => ({ rate: r, duration })),
    interval,
  );
  return { rate, pattern: [{ shape: "windows", windows: [...windows] }], ...patience };
};

type Made = Pick<ClientSaid, "name" | "prompt" | "output"> & Partial<ClientSaid>;

const requestsOf = (config: Config, problems: ProfileProblems): readonly Made[] | undefined => {
  const { data: said } = config;
  if (said.multimodal !== undefined && said.multimodal !== null) {
    return problems.error(
      ["data", "multimodal"],
      "is not simulated: what an image becomes depends on the model",
      "use workload.synthetic with media",
    );
  }
  if (said.type === "shared_prefix") return sharedPrefixes(config, problems);
  if (said.type !== "random" && said.type !== "synthetic") {
    return problems.error(
      ["data", "type"],
      `${said.type} needs texts that are not here`,
      "use random, synthetic or shared_prefix, with the data's lengths",
    );
  }
  const { input_distribution: input, output_distribution: output } = said;
  for (const name of ["input_distribution", "output_distribution"] as const) {
    if (said[name] === undefined) problems.error(["data", name], `is required for ${said.type} data`);
  }
  const prompt = input && lengthOf(input, ["data", "input_distribution"], problems);
  const answer = output && lengthOf(output, ["data", "output_distribution"], problems);
  return prompt === undefined || answer === undefined
    ? undefined
    : [{ name: said.type, prompt, output: answer, capOutput: true }];
};

const sharedPrefixes = (
  { data: { shared_prefix: shared }, load: loads }: Config,
  problems: ProfileProblems,
): readonly Made[] | undefined => {
  const at = ["data", "shared_prefix"];
  if (shared === undefined) return problems.error(at, "is required for shared_prefix data");
  for (const [name, alias] of [
    ["num_groups", "num_unique_system_prompts"],
    ["num_prompts_per_group", "num_users_per_system_prompt"],
  ] as const) {
    if (shared[name] !== undefined && shared[alias] !== undefined)
      problems.error([...at, name], `is another name of ${alias}`, "drop one");
  }
  if (shared.multimodal !== undefined && shared.multimodal !== null)
    problems.error([...at, "multimodal"], "is not simulated");
  const groups = shared.num_unique_system_prompts ?? shared.num_groups ?? 10;
  const users = shared.num_users_per_system_prompt ?? shared.num_prompts_per_group ?? 10;
  const prompt = eitherLength(shared.question_len, shared.question_distribution, [...at, "question_len"], problems);
  const output = eitherLength(shared.output_len, shared.output_distribution, [...at, "output_len"], problems);
  const { system_prompt_len: system } = shared;
  const fixed = system.type === "fixed" ? Math.trunc(system.mean) : system.min === system.max ? system.min : undefined;
  if (fixed === undefined)
    problems.error([...at, "system_prompt_len"], "must be one length for all groups", "write a number");
  if (prompt === undefined || output === undefined || fixed === undefined) return undefined;
  const prefix = fixed === 0 ? {} : { prefix: { tokens: fixed, groups, name: "system-prompt" } };
  const one: Made = { name: "shared-prefix", prompt, output, capOutput: true, ...prefix };
  if (!shared.enable_multi_turn_chat) return [one];
  return chatOf(one, groups * users, loads, problems);
};

/**
 * Each user has one conversation, whose context grows, and sends its next turn when the generator comes round to it: once in
 * users / rate seconds (`apis/user_session.py`). Here that is its think time, so a slow server is asked less often.
 */
const chatOf = (
  one: Made,
  users: number,
  loads: Config["load"],
  problems: ProfileProblems,
): readonly Made[] | undefined => {
  const at = ["data", "shared_prefix", "enable_multi_turn_chat"];
  const [only] = loads.stages;
  if (
    loads.type === "concurrent" ||
    loads.stages.length !== 1 ||
    only?.rate === undefined ||
    only.duration === undefined
  ) {
    return problems.error(
      at,
      "needs one stage of a constant or poisson load: conversations go on from stage to stage",
      "write one stage",
    );
  }
  if (users > 10_000)
    return problems.error(at, `${users} conversations are more than 10000`, "name fewer groups or users");
  const rounds = Math.max(1, Math.round((only.rate * only.duration) / users));
  if (rounds > 1000)
    return problems.error(
      at,
      `${rounds} rounds of each of ${users} users are more than 1000`,
      "name more users, or a shorter stage",
    );
  const think = microsText((users / only.rate) * 1e6);
  return [
    {
      ...one,
      members: users,
      session: { rounds, thinkTime: { mean: think, deviation: "0us" }, contextGrowth: "accumulate", single: true },
    },
  ];
};

const eitherLength = (
  said: Distribution,
  legacy: Distribution | undefined,
  at: Path,
  problems: ProfileProblems,
): LengthSaid | undefined => {
  if (legacy === undefined) return lengthOf(said, at, problems);
  if (said.type === "fixed") return lengthOf(legacy, at, problems);
  return problems.error(at, "is a distribution, and so is its older name", "drop one");
};

/** Defaults and rules of `config/common.py`, draws of `utils/numeric/distribution`. */
const lengthOf = (
  { type, min, max, mean, std_dev: said, variance }: Distribution,
  at: Path,
  problems: ProfileProblems,
): LengthSaid | undefined => {
  if (said !== undefined && said > 0 && variance !== undefined)
    return problems.error([...at, "variance"], "can't be set beside std_dev", "drop one");
  if (min > max) return problems.error([...at, "min"], `must not exceed max, ${max}; got ${min}`);
  const deviation = variance === undefined ? (said ?? 200) : Math.sqrt(variance);
  const [least, most] = [Math.max(1, min), Math.max(1, max)];
  switch (type) {
    case "fixed":
      return constantLength(Math.trunc(mean));
    case "uniform":
      return { distribution: "uniform", min: least, max: most };
    case "normal":
      return normalLength(mean, deviation, least, most);
    case "lognormal":
      if (mean === 0) return problems.error([...at, "mean"], "must be above 0 for lognormal");
      return { distribution: "lognormal", mean, deviation, min: least, max: most };
    case "skew_normal":
    case "poisson":
      return problems.error([...at, "type"], `${type} is not simulated`, "use normal, lognormal, uniform or fixed");
    default:
      return type satisfies never;
  }
};

/** The same client once per adapter, each with its share. */
const splitByAdapter = (
  made: Made,
  { lora_traffic_split: split }: Config["load"],
  problems: ProfileProblems,
): readonly ClientSaid[] => {
  if (split === undefined || split.length === 0) return [profileClient(made)];
  const at = ["load", "lora_traffic_split"];
  const sum = split.reduce((total, { split: share }) => total + share, 0);
  if (Math.abs(sum - 1) > 1e-9) {
    problems.error(at, `its shares add up to ${Number(sum.toPrecision(6))}; they must add up to 1`);
    return [];
  }
  const { rate } = made;
  if (rate === undefined) {
    problems.error(at, "of a concurrent load is not simulated", "write one simulation per adapter");
    return [];
  }
  return split.flatMap(({ name, split: share }) =>
    share === 0 ? [] : [profileClient({ ...made, name: `${made.name}/${name}`, adapter: name, rate: rate * share })],
  );
};
