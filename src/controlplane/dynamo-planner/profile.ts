import type { Problem } from "../../model/problem.ts";
import type { EnginePerformance } from "../controller.ts";
import { cubicSpline } from "./spline.ts";

/** Of one prefill engine, for prompts of that length. */
export interface PrefillPoint {
  readonly isl: number;
  readonly ttftMs: number;
  readonly tokensPerGpu: number;
}

/** Of one decode engine, so full of contexts of that length. */
export interface DecodePoint {
  /** 0 to 1. */
  readonly kvUsage: number;
  readonly contextLength: number;
  readonly itlMs: number;
  readonly tokensPerGpu: number;
}

export interface ProfileTables {
  readonly prefill: readonly PrefillPoint[];
  readonly decode: readonly DecodePoint[];
  readonly maxKvTokens: number;
}

const RESOLUTION = 100;

/** What would keep `performanceOf` from reading the tables. */
export const profileProblems = ({ prefill, decode }: ProfileTables): readonly Omit<Problem, "severity">[] => {
  const problems: Omit<Problem, "severity">[] = [];
  const bad = (field: string, message: string, fix: string) =>
    problems.push({ reason: "BadProfile", field, message, fix });
  if (new Set(prefill.map(({ isl }) => isl)).size < prefill.length) {
    bad("prefill", "has one isl twice", "give one point for each isl");
  }
  const grid = new Set(decode.map(({ kvUsage, contextLength }) => `${kvUsage}|${contextLength}`));
  const full = distinct(decode, "kvUsage").length * distinct(decode, "contextLength").length;
  if (grid.size < decode.length || grid.size < full) {
    bad("decode", "is no full grid of kvUsage and contextLength", "give one point for each pair of the two");
  }
  return problems;
};

/**
 * A profile as the planner reads it (NVIDIA Dynamo 0.7, planner/utils/perf_interpolation.py): cubic over the prompt's length;
 * over KV usage and context on a grid of 100 x 100, of which the nearest point is taken. There the grid is filled by cubic
 * interpolation over triangles, here bilinearly, from measurements that themselves form a grid.
 * @param tables without `profileProblems`
 */
export const performanceOf = ({ prefill, decode, maxKvTokens }: ProfileTables): EnginePerformance => {
  const points = [...prefill].sort((a, b) => a.isl - b.isl);
  const isls = points.map(({ isl }) => isl);
  const ttft = cubicSpline(
    isls,
    points.map(({ ttftMs }) => ttftMs / 1000),
  );
  const throughput = cubicSpline(
    isls,
    points.map(({ tokensPerGpu }) => tokensPerGpu),
  );
  const longest = Math.max(...decode.map(({ contextLength }) => contextLength));
  const itl = onGrid(decode, ({ itlMs }) => itlMs / 1000);
  const decoded = onGrid(decode, ({ tokensPerGpu }) => tokensPerGpu);
  const usageAt = (index: number) => index / (RESOLUTION - 1);
  const contextAt = (context: number) => nearest(context / longest) * longest;
  return {
    ttftSeconds: ttft,
    prefillTokensPerGpu: throughput,
    itlSeconds: (concurrency, context) => itl(nearest((concurrency * context) / maxKvTokens), contextAt(context)),
    // From the fullest down: interpolated latencies need not rise with usage.
    bestDecodeTokensPerGpu: (most, context) => {
      for (let index = RESOLUTION - 1; index >= 0; index -= 1) {
        if (itl(usageAt(index), contextAt(context)) <= most) return decoded(usageAt(index), contextAt(context));
      }
      return decoded(0, contextAt(context));
    },
  };
};

/** The share at the grid's nearest point. */
const nearest = (share: number): number => {
  const index = Math.round(share * (RESOLUTION - 1));
  return Math.min(RESOLUTION - 1, Math.max(0, index)) / (RESOLUTION - 1);
};

const distinct = (decode: readonly DecodePoint[], key: "kvUsage" | "contextLength"): readonly number[] =>
  [...new Set(decode.map((point) => point[key]))].sort((a, b) => a - b);

/** Bilinear; outside the grid, the value at its edge. */
const onGrid = (decode: readonly DecodePoint[], value: (point: DecodePoint) => number) => {
  const [usages, contexts] = [distinct(decode, "kvUsage"), distinct(decode, "contextLength")];
  const values = new Map(decode.map((point) => [`${point.kvUsage}|${point.contextLength}`, value(point)]));
  const read = (usage: number, context: number) => values.get(`${usage}|${context}`) as number;
  return (usage: number, context: number): number => {
    const [u0, u1, u] = between(usages, usage);
    const [c0, c1, c] = between(contexts, context);
    const low = read(u0, c0) * (1 - u) + read(u1, c0) * u;
    const high = read(u0, c1) * (1 - u) + read(u1, c1) * u;
    return low * (1 - c) + high * c;
  };
};

/** @returns the knots around, and how far from the first to the second */
const between = (knots: readonly number[], at: number): readonly [number, number, number] => {
  const next = knots.findIndex((knot) => knot >= at);
  if (next === 0) return [knots[0] as number, knots[0] as number, 0];
  if (next < 0) return [knots.at(-1) as number, knots.at(-1) as number, 0];
  const [a, b] = [knots[next - 1] as number, knots[next] as number];
  return [a, b, (at - a) / (b - a)];
};
