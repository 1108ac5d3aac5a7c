import { anyDurationText, DURATION_PATTERN, durationSeconds } from "../model/duration.ts";
import type { Rule } from "./rule.ts";

/** What one field alone can't say of a spec. Each rule names the part of the spec that it reads. */

const count = (...values: readonly unknown[]): number => values.filter((value) => value !== undefined).length;

export const oneTraceInput: Rule<{ path?: unknown; configMap?: unknown; url?: unknown }> = {
  message: "exactly one of path, configMap and url must be set",
  cel: "(has(self.path) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + (has(self.url) ? 1 : 0) == 1",
  holds: ({ path, configMap, url }) => count(path, configMap, url) === 1,
};

export const replayedTrace: Rule<{ format: string; sessions?: unknown; contextGrowth?: unknown }> = {
  message: "only traces of format blis-v2 have sessions and contextGrowth",
  field: ["format"],
  fix: "drop them",
  cel: "self.format == 'blis-v2' || !has(self.sessions) && !has(self.contextGrowth)",
  holds: ({ format, sessions, contextGrowth }) => format === "blis-v2" || count(sessions, contextGrowth) === 0,
};

export const oneConfigInput: Rule<{ path?: unknown; configMap?: unknown }> = {
  message: "exactly one of path and configMap must be set",
  cel: "has(self.path) != has(self.configMap)",
  holds: ({ path, configMap }) => count(path, configMap) === 1,
};

export const oneWorkload: Rule<{ trace?: unknown; synthetic?: unknown }> = {
  message: "exactly one of trace and synthetic must be set",
  cel: "has(self.trace) != has(self.synthetic)",
  holds: ({ trace, synthetic }) => count(trace, synthetic) === 1,
};

interface Objective {
  readonly metric: string;
  readonly percentile?: unknown;
  readonly atMost: string;
}

const LATENCIES = ["ttft", "itl", "e2e"];
const NUMBER = "^[0-9]+([.][0-9]+)?$";
const RATIO = "^(0([.][0-9]+)?|1([.]0+)?)$";

const isLatency = ({ metric }: Objective): boolean => LATENCIES.includes(metric);
const celIsLatency = `self.metric in ${JSON.stringify(LATENCIES)}`;

export const objectiveRules: readonly Rule<Objective>[] = [
  {
    message: "atMost of a latency must be a duration such as 800ms or 1.5s",
    field: ["atMost"],
    cel: `!(${celIsLatency}) || self.atMost.matches("${DURATION_PATTERN}")`,
    holds: (objective) => !isLatency(objective) || anyDurationText.safeParse(objective.atMost).success,
  },
  {
    message: 'atMost of errorRatio must be a number from 0 to 1, such as "0.01"',
    field: ["atMost"],
    cel: `self.metric != "errorRatio" || self.atMost.matches("${RATIO}")`,
    holds: ({ metric, atMost }) => metric !== "errorRatio" || new RegExp(RATIO).test(atMost),
  },
  {
    message: 'atMost of gpuHours must be a number, such as "48"',
    field: ["atMost"],
    cel: `self.metric != "gpuHours" || self.atMost.matches("${NUMBER}")`,
    holds: ({ metric, atMost }) => metric !== "gpuHours" || new RegExp(NUMBER).test(atMost),
  },
  {
    message: "only latencies (ttft, itl, e2e) have a percentile",
    field: ["percentile"],
    cel: `!has(self.percentile) || ${celIsLatency}`,
    holds: (objective) => objective.percentile === undefined || isLatency(objective),
  },
];

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
  readonly mode: "Preview" | "Shadow";
  readonly run: { readonly horizon: string; readonly warmUp: string; readonly replications: number };
}

/** Durations that CEL's duration() takes too: it knows no days and nothing above 292 years. */
const CEL_DURATION = "^([0-9]{1,6}([.][0-9]+)?(us|ms|s|m)|[0-9]{1,5}([.][0-9]+)?h)+$";
const celBelow = (less: string, more: string) =>
  `!${less}.matches("${CEL_DURATION}") || !${more}.matches("${CEL_DURATION}") || duration(${less}) < duration(${more})`;

export const runRules: readonly Rule<Run>[] = [
  {
    message: "run.warmUp must be shorter than run.horizon",
    field: ["run", "warmUp"],
    cel: `self.mode == "Shadow" || ${celBelow("self.run.warmUp", "self.run.horizon")}`,
    holds: ({ mode, run }) => mode === "Shadow" || durationSeconds(run.warmUp) < durationSeconds(run.horizon),
  },
  {
    message: "run.replications must be 1 in mode Shadow: it follows the wall clock, once",
    field: ["run", "replications"],
    cel: 'self.mode != "Shadow" || self.run.replications == 1',
    holds: ({ mode, run }) => mode !== "Shadow" || run.replications === 1,
  },
];

interface Whole {
  readonly mode: "Preview" | "Shadow";
  readonly replicas?: number | undefined;
  readonly objectives: readonly unknown[];
  readonly candidates: readonly unknown[];
  readonly mirror: { readonly autoscaler?: { readonly driver: string } | undefined };
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
    message: "replicas is set through /scale, by a real autoscaler: it needs mirror.autoscaler.driver: External",
    field: ["replicas"],
    fix: "use overrides.replicas for the count at the start",
    cel: '!has(self.replicas) || (has(self.mirror.autoscaler) && self.mirror.autoscaler.driver == "External")',
    holds: ({ replicas, mirror }) => replicas === undefined || mirror.autoscaler?.driver === "External",
  },
];
