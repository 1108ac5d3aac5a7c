import { bad, good, type Problem, type Result } from "../../model/problem.ts";
import { DRIFT_SERIES, type Interval, intervalOf, type Reading } from "../../report/drift/index.ts";
import { selectorOf } from "../production-series.ts";
import { type PrometheusAccess, query } from "../prometheus-api.ts";

/** A world begins empty and production doesn't: it is compared once it has filled. */
export const SETTLED_SECONDS = 300;
/** Stretches of time by whose differences the error is known. */
const BLOCKS = 10;
const SHORTEST_BLOCK_SECONDS = 60;
/** Fewer requests say too little of two values. */
const LEAST_REQUESTS = 500;
const FIELD = "spec.workload.prometheus";

/** Whose production is read, and of when. */
export interface BlocksWanted {
  readonly access: PrometheusAccess;
  /** Label matchers in braces. */
  readonly selector: string;
  /** Series of others are passed over. */
  readonly models: readonly string[];
  /** Unix time. */
  readonly startSeconds: number;
  readonly seconds: number;
  /** More than these can't be simulated. */
  readonly maxReplicas: number;
}

export interface Block {
  /** From the start of the window. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly interval: Interval;
}

/** @returns undefined: the window is long enough */
export const windowProblem = (seconds: number, said: string): Problem | undefined =>
  seconds - SETTLED_SECONDS < BLOCKS * SHORTEST_BLOCK_SECONDS
    ? tooLittle(`a window of ${said}`, "set window to 15m at least, better 1h")
    : undefined;

/**
 * Production's histograms in stretches of a window, one after the other; what fills the engines at its beginning is left out.
 * @throws PrometheusError
 */
export const readBlocks = async ({
  access,
  selector,
  models,
  startSeconds,
  seconds,
  maxReplicas,
}: BlocksWanted): Promise<Result<readonly Block[]>> => {
  const instants = Array.from(
    { length: BLOCKS + 1 },
    (_, i) => SETTLED_SECONDS + (i * (seconds - SETTLED_SECONDS)) / BLOCKS,
  );
  const readings: Reading[] = [];
  for (const instant of instants) {
    const series = await query(access, selectorOf(DRIFT_SERIES, selector), startSeconds + instant);
    readings.push(
      series
        .filter(({ labels }) => models.includes(labels["model_name"] ?? ""))
        .map(({ labels, points }) => ({ labels, value: points[0]?.[1] ?? Number.NaN })),
    );
  }
  const blocks = readings.slice(1).flatMap((reading, i): Block[] => {
    const interval = intervalOf(readings[i] as Reading, reading);
    if (interval === undefined || interval.itl.count === 0) return [];
    return [{ fromSeconds: instants[i] as number, toSeconds: instants[i + 1] as number, interval }];
  });
  if (blocks.length < BLOCKS)
    return bad(
      tooLittle(
        "there is a stretch without series of engines, or without a token",
        "see that they are scraped, or choose another window",
      ),
    );
  const replicas = Math.max(...blocks.map(({ interval }) => interval.replicas));
  if (replicas > maxReplicas) {
    const message = `production has ${replicas} replicas, more than ${maxReplicas}`;
    const fix = "narrow the selector to one platform, or raise --max-replicas";
    return bad({ severity: "error", field: FIELD, reason: "TooManyReplicas", message, fix });
  }
  const requests = requestsIn(blocks);
  return requests < LEAST_REQUESTS
    ? bad(tooLittle(`${Math.round(requests)} requests`, `choose a window with ${LEAST_REQUESTS} or more`))
    : good(blocks);
};

export const requestsIn = (blocks: readonly Block[]): number =>
  blocks.reduce((sum, { interval }) => sum + interval.ttft.count, 0);

export const tooLittle = (what: string, fix: string): Problem => ({
  severity: "error",
  field: FIELD,
  reason: "NotEnoughData",
  message: `too little to calibrate by: ${what}`,
  fix,
});
