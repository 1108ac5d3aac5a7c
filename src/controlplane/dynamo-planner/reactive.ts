import type { ControllerTarget, EnginePerformance } from "../controller.ts";
import type { EngineLoad } from "./observe.ts";

/** What the load of a component's engines is held against (NVIDIA Dynamo 0c6da1e, planner/core/load_scaling.py). */
export interface ReactiveOptions {
  readonly optimizationTarget: "throughput" | "latency" | "sla";
  readonly ttftSeconds: number;
  readonly itlSeconds: number;
  /** 0 to 1: share of an objective that has to do with one engine fewer. */
  readonly downSensitivity: number;
  readonly minEndpoint: number;
}

export interface Thresholds {
  readonly up: number;
  readonly down: number;
}

/** Queued prompt tokens over the context length, for prefill; KV tokens over the cache, for decode and for both in one. */
const LIMITS = {
  throughput: { prefill: { up: 1, down: 0.1 }, decode: { up: 1, down: 0.6 } },
  latency: { prefill: { up: 0.1, down: 0 }, decode: { up: 0.4, down: 0.1 } },
} as const;

/**
 * One engine more if any is too full, one fewer if all are empty enough (optimization_target throughput and latency).
 * @returns undefined: no change
 */
export const byFill = (
  target: ControllerTarget,
  loads: readonly EngineLoad[],
  workers: number,
  kind: "throughput" | "latency",
  minEndpoint: number,
): number | undefined => {
  if (loads.length === 0 || workers === 0) return undefined;
  const isPrefill = target.role === "prefill";
  const { up, down } = LIMITS[kind][isPrefill ? "prefill" : "decode"];
  const fills = loads.map(({ queuedPrefill, scheduledKv, queuedKv }) =>
    isPrefill
      ? queuedPrefill / target.engine.maxModelLen
      : (scheduledKv + queuedKv + queuedPrefill) / target.engine.kvTokens,
  );
  if (fills.some((fill) => (isPrefill ? fill >= up : fill > up))) return workers + 1;
  const isEmpty = (fill: number): boolean => fill < down || (isPrefill && kind === "latency" && fill <= down);
  return workers > 1 && fills.every(isEmpty) ? Math.max(workers - 1, minEndpoint) : undefined;
};

/**
 * One engine more if all would miss the objective, one fewer if the rest would keep it with the share of the load that falls to
 * them (optimization_target sla). Latencies come from the profile, where the real one fits a regression to what it has seen.
 * @param isl mean prompt of a request that comes next @returns undefined: no change
 */
export const byObjective = (
  target: ControllerTarget,
  loads: readonly EngineLoad[],
  workers: number,
  isl: number,
  options: ReactiveOptions,
  profile: EnginePerformance,
): number | undefined => {
  if (loads.length === 0 || workers === 0 || !(isl > 0)) return undefined;
  const { misses, fits } =
    target.role === "prefill"
      ? prefillOf(loads, isl, options, profile)
      : decodeOf(target, loads, isl, options, profile);
  if (misses) return workers + 1;
  return workers > 1 && fits(workers / (workers - 1)) ? Math.max(workers - 1, options.minEndpoint) : undefined;
};

interface Outlook {
  readonly misses: boolean;
  /** Whether the objective holds for each engine that gets so many times its load. */
  readonly fits: (share: number) => boolean;
}

const prefillOf = (
  loads: readonly EngineLoad[],
  isl: number,
  { ttftSeconds, downSensitivity }: ReactiveOptions,
  profile: EnginePerformance,
): Outlook => {
  const ttft = (queued: number) => profile.ttftSeconds(queued + isl);
  const own = ttft(0);
  const room = (ttftSeconds - own) * downSensitivity;
  return {
    misses: loads.every(({ queuedPrefill }) => ttft(queuedPrefill) > ttftSeconds),
    // A request's own prompt takes as long with however many engines: only what queues may be weighed.
    fits: (share) =>
      room > 0 && loads.every(({ queuedPrefill }) => ttft(Math.trunc(queuedPrefill * share)) - own < room),
  };
};

const decodeOf = (
  { engine }: ControllerTarget,
  loads: readonly EngineLoad[],
  context: number,
  { itlSeconds, downSensitivity }: ReactiveOptions,
  profile: EnginePerformance,
): Outlook => {
  const itl = (kvTokens: number) => profile.itlSeconds(kvTokens / context, context);
  return {
    misses: loads.every(({ scheduledKv, queuedKv }) => itl(scheduledKv + queuedKv) > itlSeconds),
    fits: (share) =>
      loads.every(({ scheduledKv, queuedKv }) => {
        const kvTokens = Math.trunc((scheduledKv + queuedKv) * share);
        return kvTokens < engine.kvTokens && itl(kvTokens) < itlSeconds * downSensitivity;
      }),
  };
};
