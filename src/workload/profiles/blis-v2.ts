import * as z from "zod";
import type { Result } from "../../model/problem.ts";
import type { ArrivalSaid } from "../arrivals/index.ts";
import { CV_MAX } from "../arrivals/weibull.ts";
import { type BlisLength, blisLengthSchema, lengthOfBlis } from "../blis-length.ts";
import { constantLength, microsText, type Path, type Profile, ProfileProblems, profileClient } from "../profile.ts";
import { sharedPrefixSchema, sharedPrefixWorkload, stageSchema } from "../shared-prefix.ts";
import type { ClientSaid, SyntheticWorkload } from "../synthetic-workload.ts";

const positive = z.number().gt(0).max(1e15);
const microseconds = z.int().min(0);
const text = z.string().max(256);

const arrivalSchema = z.lazy(() =>
  z.strictObject({
    process: z.enum(["poisson", "gamma", "weibull", "constant"]),
    cv: positive.optional(),
    shape: positive.optional(),
    scale: positive.optional(),
  }),
);

const windowSchema = z.lazy(() =>
  z.strictObject({
    start_us: microseconds,
    end_us: microseconds,
    trace_rate: z.number().min(0).max(1e9).optional(),
    arrival: arrivalSchema.optional(),
    input_distribution: blisLengthSchema.optional(),
    output_distribution: blisLengthSchema.optional(),
  }),
);

/** What clients and cohorts both have. */
const common = {
  id: z.string().min(1).max(256),
  tenant_id: text.optional(),
  slo_class: text.optional(),
  model: text.optional(),
  adapter: text.optional(),
  rate_fraction: z.number().min(0).max(1e9).optional(),
  arrival: arrivalSchema.optional(),
  input_distribution: blisLengthSchema.optional(),
  output_distribution: blisLengthSchema,
  prefix_group: text.optional(),
  prefix_length: z.int().min(0).max(1_000_000).optional(),
  streaming: z.boolean().optional(),
  reasoning: z
    .strictObject({
      reason_ratio_distribution: blisLengthSchema.optional(),
      multi_turn: z
        .strictObject({
          max_rounds: z.int().min(1).max(1000),
          think_time_us: microseconds.default(0),
          context_growth: z.enum(["", "accumulate"]).default(""),
          single_session: z.boolean().default(false),
        })
        .optional(),
    })
    .optional(),
  closed_loop: z.boolean().optional(),
  timeout: microseconds.optional(),
  slo_target_us: microseconds.optional(),
  network: z
    .strictObject({
      rtt_ms: z.number().min(0).max(1e6).default(0),
      bandwidth_mbps: z.number().min(0).max(1e6).default(0),
    })
    .optional(),
  multimodal: z
    .strictObject({
      text_distribution: blisLengthSchema.optional(),
      image_distribution: blisLengthSchema.optional(),
      image_count_distribution: blisLengthSchema.optional(),
      audio_distribution: blisLengthSchema.optional(),
      audio_count_distribution: blisLengthSchema.optional(),
      video_distribution: blisLengthSchema.optional(),
      video_count_distribution: blisLengthSchema.optional(),
    })
    .optional(),
};

const clientSchema = z.lazy(() =>
  z.strictObject({
    ...common,
    concurrency: z.int().min(0).max(10_000).default(0),
    think_time_us: microseconds.default(0),
    lifecycle: z.strictObject({ windows: z.array(windowSchema).min(1).max(2000) }).optional(),
  }),
);

const cohortSchema = z.lazy(() =>
  z.strictObject({
    ...common,
    population: z.int().min(1).max(10_000),
    prefix_sharing: z.enum(["", "shared", "per_member"]).default(""),
    diurnal: z
      .strictObject({ peak_hour: z.int().min(0).max(23), peak_to_trough_ratio: z.number().min(1).max(1e6) })
      .optional(),
    spike: z
      .strictObject({ start_time_us: microseconds, duration_us: z.int().min(1), trace_rate: positive.optional() })
      .optional(),
    drain: z.strictObject({ start_time_us: microseconds, ramp_duration_us: z.int().min(1) }).optional(),
  }),
);

const schema = z.lazy(() =>
  z.strictObject({
    version: z
      .preprocess((said) => (typeof said === "number" ? String(said) : said), z.enum(["", "1", "2"]))
      .default("2"),
    seed: z.int().optional(),
    category: z.enum(["", "language", "multimodal", "reasoning"]).default(""),
    clients: z.array(clientSchema).max(1000).default([]),
    cohorts: z.array(cohortSchema).max(1000).default([]),
    aggregate_rate: z.number().min(0).max(1e6).default(0),
    horizon: microseconds.optional(),
    num_requests: z.int().min(0).optional(),
    servegen_data: z.unknown().optional(),
    inference_perf: z
      .strictObject({ stages: z.array(stageSchema).min(1).max(1000), shared_prefix: sharedPrefixSchema })
      .optional(),
    goodput_slo_targets: z.unknown().optional(),
  }),
);

type Spec = z.output<typeof schema>;
type Common = Omit<z.output<typeof clientSchema>, "concurrency" | "think_time_us" | "lifecycle">;
type Window = z.output<typeof windowSchema>;

/** A client or a cohort on its way to ours. */
interface Source {
  readonly at: Path;
  readonly said: Common;
  readonly windows: readonly Window[] | undefined;
  readonly members?: number;
  readonly perMember?: boolean;
  readonly workers?: { readonly count: number; readonly thinkMicros: number };
}

/** What a client has where it says nothing: 300 s in closed loops, none else (`sim/workload/session.go` @f90a1e3a). */
const PATIENCE_MICROS = 300e6;
const PREFIX_TOKENS = 50;
const CLASSES = ["critical", "standard", "batch", "sheddable", "background"] as const;
/** What version 1 called some. */
const OLD_CLASSES: Readonly<Record<string, (typeof CLASSES)[number]>> = {
  realtime: "critical",
  interactive: "standard",
};

/**
 * A workload specification of BLIS (`inference-sim`, `sim/workload/spec.go`, `client.go`, `cohort.go` @f90a1e3a): rates are
 * shares of `aggregate_rate` among clients whose windows overlap; with `aggregate_rate: 0` windows bring their own.
 */
export const blisV2: Profile<"blis-v2"> = {
  name: "blis-v2",
  summary: "workload specification of BLIS (inference-sim), version 2",
  schema,
  convert: (said) => convert(said as Spec),
};

const convert = (spec: Spec): Result<SyntheticWorkload> => {
  const problems = new ProfileProblems();
  if (spec.servegen_data !== undefined) {
    problems.error(
      ["servegen_data"],
      "files beside the profile are not read",
      "pack the pool with tar and use workload.trace with format: servegen",
    );
  }
  if (spec.seed !== undefined) problems.warn(["seed"], "has no effect: run.seed is the root of every random stream");
  if (spec.goodput_slo_targets !== undefined) {
    problems.warn(["goodput_slo_targets"], "has no effect on the traffic", "set spec.objectives");
  }
  if (spec.inference_perf !== undefined) {
    if (spec.clients.length + spec.cohorts.length > 0) {
      problems.error(["inference_perf"], "stands in place of clients and cohorts", "drop one or the other");
    }
    return problems.result(sharedPrefixWorkload(spec.inference_perf, problems));
  }
  const sources = sourcesOf(spec, problems);
  if (sources.length === 0 && problems.errors.length === 0) {
    problems.error(["clients"], "there are no clients and no cohorts", "name at least one");
  }
  checkIds(sources, problems);
  checkClasses(sources, problems);
  if (problems.errors.length > 0) return problems.result(undefined);
  const prefixes = prefixLengths(sources);
  const clients = sources.flatMap((source) => clientsOf(source, { spec, sources, prefixes, problems }));
  const { horizon = 0, num_requests: requests = 0 } = spec;
  return problems.result({
    clients,
    pattern:
      horizon === 0 ? [] : [{ shape: "windows", windows: [{ start: "0us", end: microsText(horizon), factor: 1 }] }],
    ...(requests === 0 ? {} : { requests }),
  });
};

const sourcesOf = ({ clients, cohorts }: Spec, problems: ProfileProblems): readonly Source[] => [
  ...clients.map((said, i): Source => {
    const at = ["clients", i];
    if (said.concurrency > 0 && (said.rate_fraction ?? 0) > 0) {
      problems.error([...at, "concurrency"], "can't be set beside rate_fraction", "drop one");
    }
    const windows = said.lifecycle?.windows;
    checkWindows(windows ?? [], [...at, "lifecycle", "windows"], problems);
    const workers = { count: said.concurrency, thinkMicros: said.think_time_us };
    return { at, said, windows, ...(said.concurrency === 0 ? {} : { workers }) };
  }),
  ...cohorts.map((said, i): Source => {
    const at = ["cohorts", i];
    const perMember = said.prefix_sharing === "per_member";
    if (perMember && said.prefix_group === undefined) {
      problems.error([...at, "prefix_sharing"], "per_member needs a prefix_group");
    }
    return { at, said, windows: cohortWindows(said), members: said.population, perMember };
  }),
];

const checkWindows = (windows: readonly Window[], at: Path, problems: ProfileProblems): void => {
  for (const [i, { start_us: start, end_us: end }] of windows.entries()) {
    if (end <= start) problems.error([...at, i, "end_us"], `must lie after start_us, ${start}; got ${end}`);
    const before = windows[i - 1];
    if (before !== undefined && start < before.end_us) {
      problems.error(
        [...at, i, "start_us"],
        `is ${start}, before the end of the window before it, ${before.end_us}; windows must stand in order`,
      );
    }
  }
};

const HOUR_MICROS = 3600e6;
const DRAIN_SEGMENTS = 10;

/** Active stretches of a cohort's members: each hour's, or segment's, is as long as its rate is high. */
const cohortWindows = ({ diurnal, spike, drain }: z.output<typeof cohortSchema>): readonly Window[] | undefined => {
  const windows: Window[] = [];
  if (diurnal !== undefined) {
    const { peak_hour: peak, peak_to_trough_ratio: ratio } = diurnal;
    for (let hour = 0; hour < 24; hour += 1) {
      const share = ((1 + Math.cos((2 * Math.PI * (hour - peak)) / 24)) / 2) * (1 - 1 / ratio) + 1 / ratio;
      const length = Math.max(1, Math.min(HOUR_MICROS, Math.trunc(HOUR_MICROS * share)));
      windows.push({ start_us: hour * HOUR_MICROS, end_us: hour * HOUR_MICROS + length });
    }
  }
  if (spike !== undefined) {
    const { start_time_us: start, duration_us: length, trace_rate: rate } = spike;
    windows.push({ start_us: start, end_us: start + length, ...(rate === undefined ? {} : { trace_rate: rate }) });
  }
  if (drain !== undefined) {
    const { start_time_us: start, ramp_duration_us: ramp } = drain;
    const segment = Math.max(1, Math.trunc(ramp / DRAIN_SEGMENTS));
    if (start > 0) windows.push({ start_us: 0, end_us: start });
    for (let i = 0; i < DRAIN_SEGMENTS; i += 1) {
      const active = Math.max(1, Math.trunc((segment * (DRAIN_SEGMENTS - i)) / DRAIN_SEGMENTS));
      windows.push({ start_us: start + i * segment, end_us: start + i * segment + active });
    }
  }
  return windows.length === 0 ? undefined : merged(windows);
};

/** In order and without overlap: where two windows overlap, the member is active, no more. */
const merged = (windows: readonly Window[]): readonly Window[] => {
  const whole: Window[] = [];
  for (const window of [...windows].sort((a, b) => a.start_us - b.start_us)) {
    const last = whole.at(-1);
    if (last !== undefined && window.start_us < last.end_us) {
      whole[whole.length - 1] = { ...last, end_us: Math.max(last.end_us, window.end_us) };
    } else whole.push(window);
  }
  return whole;
};

const checkIds = (sources: readonly Source[], problems: ProfileProblems): void => {
  const seen = new Set<string>();
  for (const { at, said } of sources) {
    if (seen.has(said.id))
      problems.error([...at, "id"], `${JSON.stringify(said.id)} is there twice`, "give each its own");
    seen.add(said.id);
  }
};

const checkClasses = (sources: readonly Source[], problems: ProfileProblems): void => {
  for (const { at, said } of sources) {
    const name = said.slo_class ?? "";
    if (name !== "" && classOf(name) === undefined) {
      problems.error([...at, "slo_class"], `must be one of ${CLASSES.join(", ")}, got ${JSON.stringify(name)}`);
    }
  }
  const without = sources.find(({ said }) => (said.slo_class ?? "") === "");
  if (without !== undefined && sources.some(({ said }) => (said.slo_class ?? "") !== "")) {
    problems.error([...without.at, "slo_class"], "is required where any other client has one");
  }
};

const classOf = (name: string): (typeof CLASSES)[number] | undefined =>
  OLD_CLASSES[name] ?? CLASSES.find((known) => known === name);

/** A group's prefix is as long as its first client says. */
const prefixLengths = (sources: readonly Source[]): ReadonlyMap<string, number> => {
  const lengths = new Map<string, number>();
  for (const { said } of sources) {
    const { prefix_group: group = "", prefix_length: length = 0 } = said;
    if (group !== "" && !lengths.has(group)) lengths.set(group, length || PREFIX_TOKENS);
  }
  return lengths;
};

interface Context {
  readonly spec: Spec;
  readonly sources: readonly Source[];
  readonly prefixes: ReadonlyMap<string, number>;
  readonly problems: ProfileProblems;
}

/** One client; one per window where windows have arrivals or lengths of their own. */
const clientsOf = (source: Source, context: Context): readonly ClientSaid[] => {
  const { said, windows, at } = source;
  const { problems } = context;
  if (source.workers !== undefined) {
    if (windows !== undefined) problems.error([...at, "lifecycle"], "workers come as they finish, without windows");
    return whole(source, said, said.id, {}, context);
  }
  const rates = ratesOf(source, context);
  if (rates === undefined) return [];
  if (windows === undefined) return whole(source, said, said.id, { rate: rates[0] as number }, context);
  const own = (window: Window): boolean =>
    (window.arrival ?? window.input_distribution ?? window.output_distribution) !== undefined;
  if (!windows.some(own)) {
    const rate = Math.max(...rates);
    const pattern = windowsShape(windows.map((window, i) => ({ ...window, factor: (rates[i] as number) / rate })));
    return rate === 0 ? [] : whole(source, said, said.id, { rate, pattern: [pattern] }, context);
  }
  return windows.flatMap((window, i) => {
    const rate = rates[i] as number;
    if (rate === 0) return [];
    const { arrival, input_distribution: input, output_distribution: output } = window;
    const changed: Common = {
      ...said,
      ...(arrival === undefined ? {} : { arrival }),
      ...(input === undefined ? {} : { input_distribution: input }),
      ...(output === undefined ? {} : { output_distribution: output }),
    };
    return whole(
      source,
      changed,
      `${said.id}/window-${i}`,
      { rate, pattern: [windowsShape([{ ...window, factor: 1 }])] },
      context,
    );
  });
};

const windowsShape = (windows: readonly { start_us: number; end_us: number; factor: number }[]) => ({
  shape: "windows" as const,
  windows: windows.map(({ start_us, end_us, factor }) => ({
    start: microsText(start_us),
    end: microsText(end_us),
    factor,
  })),
});

/** Requests per second, of all members, in each window; the one rate of a client without windows. */
const ratesOf = (source: Source, { spec, sources, problems }: Context): readonly number[] | undefined => {
  const { at, said, windows } = source;
  const { aggregate_rate: aggregate } = spec;
  if (aggregate === 0) {
    if (windows === undefined) {
      return problems.error(
        [...at, "lifecycle"],
        "aggregate_rate is 0, so each window needs a trace_rate; there are none",
        "set aggregate_rate, or lifecycle.windows",
      );
    }
    const missing = windows.findIndex(({ trace_rate: rate }) => rate === undefined);
    if (missing < 0) return windows.map(({ trace_rate: rate = 0 }) => rate);
    return problems.error(
      [...at, "lifecycle", "windows", missing, "trace_rate"],
      "is required where aggregate_rate is 0",
    );
  }
  const rated = sources.filter(({ workers }) => workers === undefined);
  const fraction = said.rate_fraction ?? 0;
  if (fraction === 0) return problems.error([...at, "rate_fraction"], "must be above 0");
  const timeVarying = rated.some(({ windows: all = [] }) => all.some(({ trace_rate: rate }) => rate !== undefined));
  if (!timeVarying) {
    // Shares among all whose windows overlap at any time, as BLIS has it.
    const sum = rated.reduce(
      (total, other) => total + (overlap(source, other) ? (other.said.rate_fraction ?? 0) : 0),
      0,
    );
    return (windows ?? [undefined]).map(() => (aggregate * fraction) / sum);
  }
  if (windows === undefined) {
    return problems.error(
      [...at, "lifecycle"],
      "is required where any window has a trace_rate",
      "give it windows of its own",
    );
  }
  return windows.map((window) => {
    const weight = (other: Source): number => {
      const shared = other.windows?.find(
        ({ start_us, end_us }) => start_us < window.end_us && window.start_us < end_us,
      );
      return shared === undefined ? 0 : (shared.trace_rate ?? other.said.rate_fraction ?? 0);
    };
    const sum = rated.reduce((total, other) => total + weight(other), 0);
    return sum === 0 ? 0 : (aggregate * (window.trace_rate ?? fraction)) / sum;
  });
};

const overlap = (a: Source, b: Source): boolean =>
  a.windows === undefined ||
  b.windows === undefined ||
  a.windows.some((one) => b.windows?.some((other) => one.start_us < other.end_us && other.start_us < one.end_us));

/** @returns nothing where something is wrong with it */
const whole = (
  { at, members, perMember = false, workers }: Source,
  said: Common,
  name: string,
  rated: Pick<ClientSaid, "rate" | "pattern">,
  { prefixes, problems }: Context,
): readonly ClientSaid[] => {
  const arrival = arrivalOf(said.arrival, workers !== undefined, [...at, "arrival"], problems);
  const lengths = lengthsOf(said, at, problems);
  const output = lengthOfBlis(said.output_distribution, [...at, "output_distribution"], problems);
  const session = sessionOf(said, at, problems);
  if (arrival === undefined || lengths === undefined || output === undefined) return [];
  if (workers !== undefined && session !== undefined) {
    problems.error([...at, "concurrency"], "can't be set beside reasoning.multi_turn", "drop one");
    return [];
  }
  const { prefix_group: group = "", network, adapter, model, slo_target_us: target = 0 } = said;
  const patience = said.timeout ?? (session === undefined && workers === undefined ? 0 : PATIENCE_MICROS);
  const sloClass = classOf(said.slo_class ?? "");
  return [
    profileClient({
      ...rated,
      name,
      arrival,
      ...lengths,
      output,
      capOutput: true,
      ...(members === undefined || members === 1 ? {} : { members }),
      ...(workers === undefined
        ? {}
        : { workers: { count: workers.count, thinkTime: microsText(workers.thinkMicros) } }),
      ...(group === ""
        ? {}
        : { prefix: { tokens: prefixes.get(group) ?? PREFIX_TOKENS, groups: 1, name: group, perMember } }),
      ...(session === undefined ? {} : { session }),
      ...(patience === 0 ? {} : { timeout: microsText(patience) }),
      ...(network === undefined ? {} : { network: networkOf(network) }),
      ...(sloClass === undefined ? {} : { sloClass }),
      ...(target === 0 ? {} : { slo: { ttft: microsText(target) } }),
      ...labelOf("tenant", said.tenant_id),
      ...labelOf("model", model),
      ...labelOf("adapter", adapter),
    }),
  ];
};

const labelOf = (name: "tenant" | "model" | "adapter", value = ""): Partial<ClientSaid> =>
  value === "" ? {} : { [name]: value };

const networkOf = ({ rtt_ms, bandwidth_mbps }: NonNullable<Common["network"]>): NonNullable<ClientSaid["network"]> => ({
  rtt: microsText(rtt_ms * 1000),
  ...(bandwidth_mbps === 0 ? {} : { bandwidthMbps: bandwidth_mbps }),
});

const arrivalOf = (
  said: Common["arrival"],
  isWorker: boolean,
  at: Path,
  problems: ProfileProblems,
): ArrivalSaid | undefined => {
  if (said === undefined) return isWorker ? { process: "poisson" } : problems.error(at, "is required");
  const { process, cv = 1, shape, scale } = said;
  if (process === "poisson" || process === "constant") return { process };
  // A fitted shape stands for the coefficient of variation; the scale follows from the rate.
  if (process === "gamma")
    return { process, cv: shape !== undefined && scale !== undefined ? 1 / Math.sqrt(shape) : cv };
  if (shape !== undefined && scale !== undefined) {
    return problems.error([...at, "shape"], "of weibull is taken from cv only", "set cv, or use gamma");
  }
  if (cv < 0.01 || cv > CV_MAX)
    return problems.error([...at, "cv"], `must be from 0.01 to ${CV_MAX} for weibull, got ${cv}`);
  return { process, cv };
};

/** Prompts, and what they hold beside text. */
const lengthsOf = (
  said: Common,
  at: Path,
  problems: ProfileProblems,
): Pick<ClientSaid, "prompt" | "media"> | undefined => {
  const { input_distribution: input, multimodal } = said;
  const read = (length: BlisLength | undefined, name: string) =>
    length === undefined ? undefined : lengthOfBlis(length, [...at, ...name.split(".")], problems);
  if (multimodal === undefined) {
    if (input === undefined) return problems.error([...at, "input_distribution"], "is required");
    const prompt = read(input, "input_distribution");
    return prompt === undefined ? undefined : { prompt };
  }
  const media = (["image", "audio", "video"] as const).flatMap((kind) => {
    const tokens = read(multimodal[`${kind}_distribution`], `multimodal.${kind}_distribution`);
    const count = read(multimodal[`${kind}_count_distribution`], `multimodal.${kind}_count_distribution`);
    return tokens === undefined || count === undefined ? [] : [{ kind, share: 1, count, tokens }];
  });
  const prompt = read(multimodal.text_distribution, "multimodal.text_distribution") ?? constantLength(1);
  return { prompt, media };
};

const sessionOf = (said: Common, at: Path, problems: ProfileProblems): ClientSaid["session"] => {
  const turns = said.reasoning?.multi_turn;
  if (turns === undefined) return undefined;
  if (said.closed_loop === false) {
    return problems.error([...at, "closed_loop"], "rounds always wait for the end of the round before", "drop it");
  }
  const { max_rounds: rounds, think_time_us: think, context_growth: growth, single_session: single } = turns;
  return {
    rounds,
    thinkTime: { mean: microsText(think), deviation: "0us" },
    contextGrowth: growth === "accumulate" ? "accumulate" : "none",
    ...(single ? { single } : {}),
  };
};
