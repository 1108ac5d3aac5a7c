import { anyDurationText, DURATION_PATTERN, durationSeconds } from "../model/duration.ts";
import { SESSION_FORMATS } from "../workload/traces/index.ts";
import type { Rule } from "./rule.ts";

/** What one field alone can't say of a spec. Each rule names the part of the spec that it reads. */

const count = (...values: readonly unknown[]): number => values.filter((value) => value !== undefined).length;

export const oneTrigger: Rule<{ index?: unknown; name?: unknown }> = {
  message: "exactly one of index and name must be set",
  cel: "has(self.index) != has(self.name)",
  holds: ({ index, name }) => count(index, name) === 1,
};

export const oneMeasure: Rule<{ value?: unknown; series?: unknown }> = {
  message: "exactly one of value and series must be set",
  cel: "has(self.value) != has(self.series)",
  holds: ({ value, series }) => count(value, series) === 1,
};

export const oneTraceInput: Rule<{ path?: unknown; configMap?: unknown; url?: unknown }> = {
  message: "exactly one of path, configMap and url must be set",
  cel: "(has(self.path) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.url) ? 1 : 0) == 1",
  holds: ({ path, configMap, url }) => count(path, configMap, url) === 1,
};

const celFormats = JSON.stringify(SESSION_FORMATS);

export const replayedTrace: Rule<{ format: string; sessions?: unknown; contextGrowth?: unknown }> = {
  message: `only traces of format ${SESSION_FORMATS.join(", ")} have sessions, and only those of blis-v2 contextGrowth`,
  field: ["format"],
  fix: "drop them",
  cel: `(self.format in ${celFormats} || !has(self.sessions)) && (self.format == 'blis-v2' || !has(self.contextGrowth))`,
  holds: ({ format, sessions, contextGrowth }) =>
    (sessions === undefined || (SESSION_FORMATS as readonly string[]).includes(format)) &&
    (contextGrowth === undefined || format === "blis-v2"),
};

export const imagesOfTrace: Rule<{ format: string; imageTokens?: unknown }> = {
  message: "only traces of format azure-2025 have imageTokens",
  field: ["imageTokens"],
  fix: "drop it",
  cel: "self.format == 'azure-2025' || !has(self.imageTokens)",
  holds: ({ format, imageTokens }) => imageTokens === undefined || format === "azure-2025",
};

export const oneConfigInput: Rule<{ path?: unknown; configMap?: unknown }> = {
  message: "exactly one of path and configMap must be set",
  cel: "has(self.path) != has(self.configMap)",
  holds: ({ path, configMap }) => count(path, configMap) === 1,
};

export const oneDocumentInput: Rule<{ path?: unknown; configMap?: unknown; inline?: unknown }> = {
  message: "exactly one of path, configMap and inline must be set",
  cel: "(has(self.path) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.inline) ? 1 : 0) == 1",
  holds: ({ path, configMap, inline }) => count(path, configMap, inline) === 1,
};

interface Place {
  readonly path?: unknown;
  readonly configMap?: unknown;
  readonly url?: unknown;
  readonly inline?: unknown;
}

export const onePageInput: Rule<Place> = {
  message: "exactly one of path, configMap, url and inline must be set",
  cel: "(has(self.path) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.url) ? 1 : 0) + (has(self.inline) ? 1 : 0) == 1",
  holds: ({ path, configMap, url, inline }) => count(path, configMap, url, inline) === 1,
};

/** The API server can't look at a field of any shape. */
export const onePicking: Rule<{ policy?: unknown; endpointPickerConfig?: unknown }> = {
  message: "policy and endpointPickerConfig are two ways to pick: at most one of them may be set",
  field: ["endpointPickerConfig"],
  fix: "drop one",
  holds: ({ policy, endpointPickerConfig }) => count(policy, endpointPickerConfig) <= 1,
};

/** Phases of a start that `untilReady` stands in the place of. */
export const UNTIL_READY_PHASES = ["imagePull", "modelLoad", "engineInit"] as const;

export const oneStart: Rule<Readonly<Partial<Record<"untilReady" | (typeof UNTIL_READY_PHASES)[number], unknown>>>> = {
  message: `untilReady stands in the place of ${UNTIL_READY_PHASES.slice(0, -1).join(", ")} and ${UNTIL_READY_PHASES.at(-1)}`,
  field: ["untilReady"],
  fix: "drop it, or the others",
  cel: `!has(self.untilReady) || !(${UNTIL_READY_PHASES.map((phase) => `has(self.${phase})`).join(" || ")})`,
  holds: (start) => start.untilReady === undefined || count(...UNTIL_READY_PHASES.map((phase) => start[phase])) === 0,
};

export const oneWorkload: Rule<{ prometheus?: unknown; trace?: unknown; synthetic?: unknown; profile?: unknown }> = {
  message: "exactly one of prometheus, trace, synthetic and profile must be set",
  cel: "(has(self.prometheus) ? 1 : 0) + (has(self.trace) ? 1 : 0) + (has(self.synthetic) ? 1 : 0) + (has(self.profile) ? 1 : 0) == 1",
  holds: ({ prometheus, trace, synthetic, profile }) => count(prometheus, trace, synthetic, profile) === 1,
};

interface Profile {
  readonly format?: unknown;
  readonly path?: unknown;
  readonly configMap?: unknown;
  readonly inline?: unknown;
  readonly preset?: unknown;
  readonly rate?: unknown;
}

export const profileRules: readonly Rule<Profile>[] = [
  {
    message: "exactly one of path, configMap, inline and preset must be set",
    cel: "(has(self.path) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.inline) ? 1 : 0) + (has(self.preset) ? 1 : 0) == 1",
    holds: ({ path, configMap, inline, preset }) => count(path, configMap, inline, preset) === 1,
  },
  {
    message: "format goes with path, configMap or inline, and a preset has none",
    field: ["format"],
    cel: "has(self.format) != has(self.preset)",
    holds: ({ format, preset }) => count(format, preset) === 1,
  },
  {
    message: "rate goes with a preset, and a file has its own",
    field: ["rate"],
    cel: "has(self.rate) == has(self.preset)",
    holds: ({ rate, preset }) => (rate === undefined) === (preset === undefined),
  },
];

interface Objective {
  readonly metric: string;
  readonly percentile?: unknown;
  readonly atMost?: string | undefined;
  readonly atLeast?: string | undefined;
  readonly sloClass?: unknown;
}

const LATENCIES = ["ttft", "itl", "tpot", "e2e"];
const NUMBER = "^[0-9]+([.][0-9]+)?$";
const RATIO = "^(0([.][0-9]+)?|1([.]0+)?)$";
/** Of the baseline. */
const INCREASE = "^[+][0-9]{1,4}([.][0-9]{1,3})?%$";
const isIncrease = (text: string): boolean => new RegExp(INCREASE).test(text);
const celIsIncrease = `self.atMost.matches("${INCREASE}")`;
/** What is told of the run as a whole only. */
const WHOLE = ["itl", "gpuHours"];

const isLatency = ({ metric }: Objective): boolean => LATENCIES.includes(metric);
const celIsLatency = `self.metric in ${JSON.stringify(LATENCIES)}`;

export const objectiveRules: readonly Rule<Objective>[] = [
  {
    message: "atMost is required",
    field: ["atMost"],
    fix: 'set it to a duration for latencies ("800ms"), a number for the rest ("0.01")',
    cel: 'self.metric == "sloAttainment" || has(self.atMost)',
    holds: ({ metric, atMost }) => metric === "sloAttainment" || atMost !== undefined,
  },
  {
    message: "sloAttainment is to be at least something: it has no atMost",
    field: ["atMost"],
    fix: "set atLeast",
    cel: 'self.metric != "sloAttainment" || !has(self.atMost)',
    holds: ({ metric, atMost }) => metric !== "sloAttainment" || atMost === undefined,
  },
  {
    message: 'atLeast of sloAttainment must be a number from 0 to 1, such as "0.99"',
    field: ["atLeast"],
    cel: `self.metric != "sloAttainment" || (has(self.atLeast) ? self.atLeast.matches("${RATIO}") : has(self.atMost))`,
    holds: ({ metric, atMost, atLeast }) =>
      metric !== "sloAttainment" || (atLeast === undefined ? atMost !== undefined : new RegExp(RATIO).test(atLeast)),
  },
  {
    message: "only sloAttainment has atLeast",
    field: ["atLeast"],
    fix: "set atMost",
    cel: 'self.metric == "sloAttainment" || !has(self.atLeast)',
    holds: ({ metric, atLeast }) => metric === "sloAttainment" || atLeast === undefined,
  },
  {
    message:
      "atMost of a latency must be a duration such as 800ms or 1.5s, or an increase over the baseline such as +10%",
    field: ["atMost"],
    cel: `!(${celIsLatency}) || !has(self.atMost) || self.atMost.matches("${DURATION_PATTERN}") || ${celIsIncrease}`,
    holds: (objective) =>
      !isLatency(objective) ||
      objective.atMost === undefined ||
      anyDurationText.safeParse(objective.atMost).success ||
      isIncrease(objective.atMost),
  },
  {
    message: 'atMost of errorRatio must be a number from 0 to 1, such as "0.01"',
    field: ["atMost"],
    cel: `self.metric != "errorRatio" || !has(self.atMost) || self.atMost.matches("${RATIO}")`,
    holds: ({ metric, atMost }) => metric !== "errorRatio" || atMost === undefined || new RegExp(RATIO).test(atMost),
  },
  {
    message: 'atMost of gpuHours must be a number, such as "48", or an increase over the baseline, such as "+10%"',
    field: ["atMost"],
    cel: `self.metric != "gpuHours" || !has(self.atMost) || self.atMost.matches("${NUMBER}") || ${celIsIncrease}`,
    holds: ({ metric, atMost }) =>
      metric !== "gpuHours" || atMost === undefined || new RegExp(NUMBER).test(atMost) || isIncrease(atMost),
  },
  {
    message: `only latencies (${LATENCIES.join(", ")}) have a percentile`,
    field: ["percentile"],
    cel: `!has(self.percentile) || ${celIsLatency}`,
    holds: (objective) => objective.percentile === undefined || isLatency(objective),
  },
  {
    message: `${WHOLE.join(" and ")} are told of the run as a whole, not of a class`,
    field: ["sloClass"],
    fix: "drop it; of a class, tpot says how fast tokens come",
    cel: `!has(self.sloClass) || !(self.metric in ${JSON.stringify(WHOLE)})`,
    holds: ({ metric, sloClass }) => sloClass === undefined || !WHOLE.includes(metric),
  },
];

export const someTarget: Rule<{ ttft?: unknown; tpot?: unknown; e2e?: unknown }> = {
  message: "at least one of ttft, tpot and e2e must be set",
  cel: "has(self.ttft) || has(self.tpot) || has(self.e2e)",
  holds: ({ ttft, tpot, e2e }) => count(ttft, tpot, e2e) > 0,
};

/** Labels that the twin's own series bear: who made them, and those of histograms and summaries. */
const RESERVED_LABELS = ["origin", "simulation", "scenario", "le", "quantile"];
/** Label names of the Prometheus data model, so that every Prometheus takes them. */
const LABEL_NAME = "^[a-zA-Z_][a-zA-Z0-9_]*$";

type Labels = Readonly<Record<string, string>>;
const everyName = (holds: (name: string) => boolean) => (labels: Labels) => Object.keys(labels).every(holds);

export const labelRules: readonly Rule<Labels>[] = [
  {
    message: "at most 16 labels",
    holds: (labels) => Object.keys(labels).length <= 16,
  },
  {
    message: "label names must be 1 to 128 letters, digits and underscores, and not begin with a digit",
    cel: `self.all(name, size(name) <= 128 && name.matches("${LABEL_NAME}"))`,
    holds: everyName((name) => name.length <= 128 && new RegExp(LABEL_NAME).test(name)),
  },
  {
    message: "label names that begin with __ belong to Prometheus",
    cel: 'self.all(name, !name.startsWith("__"))',
    holds: everyName((name) => !name.startsWith("__")),
  },
  {
    message: `the labels ${RESERVED_LABELS.join(", ")} are the twin's own`,
    cel: `self.all(name, !(name in ${JSON.stringify(RESERVED_LABELS)}))`,
    holds: everyName((name) => !RESERVED_LABELS.includes(name)),
  },
];

interface Run {
  readonly mode: "Preview" | "Shadow" | "Replay";
  readonly run: {
    readonly horizon: string;
    readonly warmUp: string;
    readonly replications: number;
    readonly speed: number;
  };
  readonly workload: { readonly prometheus?: { readonly window: string } | undefined };
}

/** Durations that CEL's duration() takes too: it knows no days and nothing above 292 years. */
const CEL_DURATION = "^([0-9]{1,6}([.][0-9]+)?(us|ms|s|m)|[0-9]{1,5}([.][0-9]+)?h)+$";
const celBelow = (less: string, more: string) =>
  `!${less}.matches("${CEL_DURATION}") || !${more}.matches("${CEL_DURATION}") || duration(${less}) < duration(${more})`;

export const runRules: readonly Rule<Run>[] = [
  {
    message: "run.warmUp must be shorter than run.horizon",
    field: ["run", "warmUp"],
    cel: `self.mode != "Preview" || ${celBelow("self.run.warmUp", "self.run.horizon")}`,
    holds: ({ mode, run }) => mode !== "Preview" || durationSeconds(run.warmUp) < durationSeconds(run.horizon),
  },
  {
    message: "run.warmUp must be shorter than the window that is replayed",
    field: ["run", "warmUp"],
    holds: ({ mode, run, workload }) =>
      mode !== "Replay" || durationSeconds(run.warmUp) < durationSeconds(workload.prometheus?.window ?? "100d"),
  },
  {
    message: "mode Replay runs a window of production again: it needs workload.prometheus",
    field: ["workload"],
    fix: "use mode: Preview, or set workload.prometheus",
    cel: 'self.mode != "Replay" || has(self.workload.prometheus)',
    holds: ({ mode, workload }) => mode !== "Replay" || workload.prometheus !== undefined,
  },
  {
    message: "run.speed must be 1 for a Shadow of live traffic: it keeps production's pace",
    field: ["run", "speed"],
    cel: 'self.mode != "Shadow" || !has(self.workload.prometheus) || self.run.speed == 1.0',
    holds: ({ mode, run, workload }) => mode !== "Shadow" || workload.prometheus === undefined || run.speed === 1,
  },
  {
    message: "run.replications must be 1 in mode Shadow: it follows the wall clock, once",
    field: ["run", "replications"],
    cel: 'self.mode != "Shadow" || self.run.replications == 1',
    holds: ({ mode, run }) => mode !== "Shadow" || run.replications === 1,
  },
];

interface Whole {
  readonly mode: "Preview" | "Shadow" | "Replay";
  readonly replicas?: number | undefined;
  readonly objectives: readonly unknown[];
  readonly candidates: readonly unknown[];
  readonly sweep?: unknown;
  readonly mirror: { readonly autoscaler?: { readonly driver: string } | undefined };
  readonly export: { readonly remoteWrite?: unknown; readonly reportConfigMap?: unknown };
  readonly calibration: "Off" | "Auto";
  readonly workload: { readonly prometheus?: unknown };
}

export const specRules: readonly Rule<Whole>[] = [
  {
    message: "objectives are judged at a preview's end; a Shadow has none",
    field: ["objectives"],
    fix: "use mode: Preview, or drop them",
    cel: 'self.mode != "Shadow" || size(self.objectives) == 0',
    holds: ({ mode, objectives }) => mode !== "Shadow" || objectives.length === 0,
  },
  {
    message: "candidates are compared at a preview's end; a Shadow has none",
    field: ["candidates"],
    fix: "use mode: Preview, or drop them",
    cel: 'self.mode != "Shadow" || size(self.candidates) == 0',
    holds: ({ mode, candidates }) => mode !== "Shadow" || candidates.length === 0,
  },
  {
    message: "a sweep runs previews; a Shadow never ends",
    field: ["sweep"],
    fix: "use mode: Preview, or drop it",
    cel: 'self.mode != "Shadow" || !has(self.sweep)',
    holds: ({ mode, sweep }) => mode !== "Shadow" || sweep === undefined,
  },
  {
    message: "remoteWrite pushes what has a date of its own; a Shadow's series are scraped as they come",
    field: ["export", "remoteWrite"],
    fix: "use mode: Replay, or drop it",
    cel: 'self.mode != "Shadow" || !has(self.export.remoteWrite)',
    holds: ({ mode, export: exported }) => mode !== "Shadow" || exported.remoteWrite === undefined,
  },
  {
    message: "reportConfigMap gets the report of a preview at its end; a Shadow never ends",
    field: ["export", "reportConfigMap"],
    fix: "use mode: Preview, or drop it",
    cel: 'self.mode != "Shadow" || !has(self.export.reportConfigMap)',
    holds: ({ mode, export: exported }) => mode !== "Shadow" || exported.reportConfigMap === undefined,
  },
  {
    message: "replicas is set through /scale, by a real autoscaler: it needs mirror.autoscaler.driver: External",
    field: ["replicas"],
    fix: "use overrides.replicas for the count at the start",
    cel: '!has(self.replicas) || (has(self.mirror.autoscaler) && self.mirror.autoscaler.driver == "External")',
    holds: ({ replicas, mirror }) => replicas === undefined || mirror.autoscaler?.driver === "External",
  },
  {
    message: "calibration: Auto fits to production's own series: it needs workload.prometheus",
    field: ["calibration"],
    fix: "set workload.prometheus, or drop it",
    cel: '!has(self.calibration) || self.calibration != "Auto" || has(self.workload.prometheus)',
    holds: ({ calibration, workload }) => calibration !== "Auto" || workload.prometheus !== undefined,
  },
];
