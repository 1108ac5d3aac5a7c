import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import * as z from "zod";
import type { Objective } from "../../report/objectives.ts";
import type { Scenario } from "../../twin/scenario.ts";

/** Runs of a sweep that can be done side by side, as they go to the pods of a Job. */
export interface SweepRound {
  /** Of servetwin: another one may simulate otherwise. */
  readonly version: string;
  readonly objectives: readonly Objective[];
  readonly maxTraceBytes: number;
  /** One per run, each with its own seed. */
  readonly scenarios: readonly Scenario[];
}

/** A round inflated; what is larger is no round of ours. */
const MOST_BYTES = 256 * 1024 * 1024;

/** Most of what scenarios say they have in common, so that each part is said once and a scenario is a list of parts. */
const written = z.strictObject({
  version: z.string(),
  objectives: z.array(z.unknown()),
  maxTraceBytes: z.number(),
  parts: z.array(z.unknown()),
  runs: z.array(z.record(z.string(), z.int().min(0))),
});

/** @returns the round's bytes, and a digest of what it says */
export const encodeRound = (round: SweepRound): { readonly bytes: Buffer; readonly digest: string } => {
  const { scenarios, ...rest } = round;
  const places = new Map<string, number>();
  const runs = scenarios.map((scenario) =>
    Object.fromEntries(
      Object.entries(scenario)
        .filter(([, value]) => value !== undefined)
        .map(([field, value]) => {
          const text = JSON.stringify(value, plain);
          const place = places.get(text) ?? places.size;
          places.set(text, place);
          return [field, place];
        }),
    ),
  );
  const { objectives, ...numbers } = rest;
  const head = JSON.stringify({ ...numbers, objectives, runs });
  const text = `${head.slice(0, -1)},"parts":[${[...places.keys()].join(",")}]}`;
  return { bytes: gzipSync(text), digest: digestOf(text) };
};

/** @throws Error if these are no bytes of a round */
export const decodeRound = (bytes: Uint8Array): SweepRound & { readonly digest: string } => {
  const text = gunzipSync(bytes, { maxOutputLength: MOST_BYTES }).toString("utf8");
  const { parts, runs, objectives, ...rest } = written.parse(JSON.parse(text, unplain));
  const scenarios = runs.map((run) =>
    Object.fromEntries(Object.entries(run).map(([field, place]) => [field, parts[place]])),
  );
  return {
    ...rest,
    // Written by an operator of the same version from a spec that was parsed.
    objectives: objectives as unknown as readonly Objective[],
    scenarios: scenarios as unknown as readonly Scenario[],
    digest: digestOf(text),
  };
};

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** Numbers of the runs of one shard: as many as of any other, or one fewer. */
export const runsOfShard = (shard: number, shards: number, runs: number): readonly number[] => {
  const from = Math.floor((shard * runs) / shards);
  return Array.from({ length: Math.floor(((shard + 1) * runs) / shards) - from }, (_, i) => from + i);
};

/** JSON knows no infinity, and would write null in silence; nothing else of a scenario is beyond it. */
const plain = (_key: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? { $number: String(value) } : value;

const unplain = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "$number" in value ? Number(value.$number) : value;
