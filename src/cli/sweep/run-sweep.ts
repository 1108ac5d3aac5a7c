import type { Kpis } from "../../report/report.ts";
import type { CandidatePatch } from "../../schema/candidate.ts";
import type { Limits } from "../../schema/limits.ts";
import { KIND } from "../../schema/resource.ts";
import type { Sweep } from "../../schema/sweep.ts";
import { rngOf } from "../../sim/rng.ts";
import type { Store, StoredObject } from "../../store/store.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { roundsOf, survivors } from "../../twin/sweep/halving.ts";
import { mergePatchOf, patchOf, valueAt } from "../../twin/sweep/patches.ts";
import { byScore, onFrontier, type Score, scoreOf } from "../../twin/sweep/score.ts";
import { nextPoints } from "../../twin/sweep/search.ts";
import { axesOf, type Point, sizeOf } from "../../twin/sweep/space.ts";
import type { PreviewPool } from "../../worker/pool.ts";
import { BadInput, usageError } from "../exit.ts";
import { type Prepared, prepare } from "../prepare.ts";
import type { Recommended, Swept, Tried } from "./swept.ts";
import { type Found, foundIn } from "./swept-parameters.ts";

export interface SweepParts {
  readonly store: Store;
  readonly limits: Limits;
  readonly allowedUrls: readonly string[];
  readonly pool: PreviewPool;
  readonly signal: AbortSignal;
  /** Told once per round or batch: how many candidates were tried so far. */
  readonly tell?: (tried: number, replications: number) => void;
}

interface Candidate {
  readonly point: Point;
  readonly scenario: Scenario;
  readonly runs: readonly Kpis[];
  readonly score: Score;
}

/**
 * Searches with one replication each, then lets the best run on. What is run next depends on results alone, never on who was
 * done first: the same is found on any number of threads.
 *
 * @throws BadInput if the sweep can't be run as it stands
 */
export const runSweep = async (stored: StoredObject, parts: SweepParts): Promise<Swept> => {
  const prepared = await prepare(parts.store, stored, parts.limits, parts.allowedUrls);
  const { spec, metadata } = prepared.simulation;
  const { sweep } = spec;
  if (sweep === undefined)
    throw usageError(`${metadata.name} says no spec.sweep`, "add one; docs/sweep.md shows a short one");
  const axes = axesOf(sweep.parameters);
  const lengths = axes.map((axis) => axis.length);
  const found = foundIn(stored, sweep, lengths, { prepared, store: parts.store });
  const valuesOf = (point: Point): readonly unknown[] => point.map((place, i) => axes[i]?.[place]);
  const patchesOf = (point: Point): readonly CandidatePatch[] => {
    const values = valuesOf(point);
    return found.map(({ parameter, object }, i) => patchOf(parameter, values[i], valueAt(object, parameter.path)));
  };
  const { candidates, impossible } = await searched(sweep, lengths, stored, prepared, patchesOf, parts);
  if (candidates.length === 0) throw new BadInput(impossible.flatMap(({ problems }) => problems).slice(0, 1));
  const ranked = await halved(candidates, sweep.replications, prepared, parts);
  const tried = ranked.map(({ point, score, runs }): Tried => {
    const peers = ranked.filter((other) => other.runs.length === runs.length).map((other) => other.score);
    const last = runs.length === sweep.replications;
    return { values: valuesOf(point), score, replications: runs.length, frontier: last && onFrontier(score, peers) };
  });
  const [best] = ranked;
  return {
    simulation: `${metadata.namespace}/${metadata.name}`,
    search: sweep.search,
    parameters: found.map(({ name, parameter }) => `${name} ${parameter.path}`),
    combinations: sizeOf(lengths),
    tried,
    impossible: impossible.map(({ point, problems }) => ({ values: valuesOf(point), why: problems[0]?.message ?? "" })),
    ...(best === undefined || best.score.violation > 0
      ? {}
      : { recommended: recommendedOf(valuesOf(best.point), patchesOf(best.point), found) }),
  };
};

interface Impossible {
  readonly point: Point;
  readonly problems: BadInput["problems"];
}

const searched = async (
  { search, candidates: most }: Sweep,
  lengths: readonly number[],
  stored: StoredObject,
  prepared: Prepared,
  patchesOf: (point: Point) => readonly CandidatePatch[],
  parts: SweepParts,
): Promise<{ readonly candidates: readonly Candidate[]; readonly impossible: readonly Impossible[] }> => {
  const candidates: Candidate[] = [];
  const impossible: Impossible[] = [];
  const asked = { search, lengths, most, rng: rngOf(prepared.scenario.seed).stream("sweep/search") };
  for (;;) {
    candidates.sort((a, b) => byScore(a.score, b.score));
    // What can't be simulated is worse than what can.
    const points = nextPoints(
      asked,
      [...candidates, ...impossible].map(({ point }) => point),
    );
    if (points.length === 0) return { candidates, impossible };
    const scenarios: { readonly point: Point; readonly scenario: Scenario }[] = [];
    for (const point of points) {
      try {
        scenarios.push({ point, scenario: await scenarioOf(stored, patchesOf(point), parts) });
      } catch (error) {
        if (!(error instanceof BadInput)) throw error;
        impossible.push({ point, problems: error.problems });
      }
    }
    const fresh = scenarios.map((one) => ({ ...one, runs: [] }));
    candidates.push(...(await ranOn(fresh, 1, prepared, parts)));
    parts.tell?.(candidates.length, 1);
  }
};

/** The changed scenario, as a candidate of the simulation. @throws BadInput */
const scenarioOf = async (
  stored: StoredObject,
  patches: readonly CandidatePatch[],
  { store, limits, allowedUrls }: SweepParts,
): Promise<Scenario> => {
  const spec = { ...(stored.object.spec as object), candidates: [{ name: "tried", patches }] };
  const { candidates } = await prepare(store, { ...stored, object: { ...stored.object, spec } }, limits, allowedUrls);
  return (candidates[0] as Prepared["candidates"][number]).scenario;
};

/** @returns best first: those of the last round, then those of the round before … */
const halved = async (
  candidates: readonly Candidate[],
  most: number,
  prepared: Prepared,
  parts: SweepParts,
): Promise<readonly Candidate[]> => {
  let [left, out] = [[...candidates], [] as readonly Candidate[]];
  for (const replications of roundsOf(most).slice(1)) {
    const on = survivors(left.length);
    out = [...left.slice(on), ...out];
    left = await ranOn(left.slice(0, on), replications, prepared, parts);
    left.sort((a, b) => byScore(a.score, b.score));
    parts.tell?.(candidates.length, replications);
  }
  return [...left, ...out];
};

/** The same candidates with as many replications, of which those that are done are kept. */
const ranOn = (
  candidates: readonly Pick<Candidate, "point" | "scenario" | "runs">[],
  replications: number,
  { simulation }: Prepared,
  { pool, limits, signal }: SweepParts,
): Promise<Candidate[]> =>
  Promise.all(
    candidates.map(async ({ point, scenario, runs: done }) => {
      const more = Array.from({ length: replications - done.length }, async (_, i) => {
        const task = {
          scenario: { ...scenario, seed: scenario.seed + done.length + i },
          maxTraceBytes: limits.maxTraceBytes,
        };
        const result = await pool.run(task, signal);
        if (result.kind === "report") return result.report.kpis;
        const { kind: __, ...problem } = result;
        throw new BadInput([{ severity: "error", object: `${KIND}/${scenario.simulation}`, ...problem }]);
      });
      const runs = [...done, ...(await Promise.all(more))];
      return { point, scenario, runs, score: scoreOf(simulation.spec.objectives, runs) };
    }),
  );

const recommendedOf = (
  values: readonly unknown[],
  patches: readonly CandidatePatch[],
  found: readonly Found[],
): Recommended => {
  const [first] = found as readonly [Found, ...Found[]];
  const one = first.object.kind !== KIND && found.every(({ name }) => name === first.name);
  return {
    values,
    patches,
    ...(one ? { mergePatch: { object: first.name, patch: mergePatchOf(first.object, patches) } } : {}),
  };
};
