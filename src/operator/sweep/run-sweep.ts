import { bad, good, type Problem, type Result } from "../../model/problem.ts";
import type { CandidatePatch } from "../../schema/candidate.ts";
import { KIND } from "../../schema/resource.ts";
import type { Sweep } from "../../schema/sweep.ts";
import { rngOf } from "../../sim/rng.ts";
import type { StoredObject } from "../../store/store.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { roundsOf, survivors } from "../../twin/sweep/halving.ts";
import { mergePatchOf, patchOf, valueAt } from "../../twin/sweep/patches.ts";
import { byScore, type Measured, onFrontier, type Score, scoreOf } from "../../twin/sweep/score.ts";
import { nextPoints } from "../../twin/sweep/search.ts";
import { axesOf, type Point, sizeOf } from "../../twin/sweep/space.ts";
import { type Read, type ReadParts, read } from "../read.ts";
import { findOracle, type WholeRun } from "./find-oracle.ts";
import { frozen } from "./frozen-store.ts";
import type { SweepRuns } from "./runs.ts";
import type { Recommended, Swept, Tried } from "./swept.ts";
import { type Found, foundIn } from "./swept-parameters.ts";

export interface SweepParts extends ReadParts {
  readonly runs: SweepRuns;
  /** For the oracle; left out: none is sought. */
  readonly whole?: WholeRun;
  /** Told after each round or batch: how many candidates were tried so far, and the replications of the last. */
  readonly tell?: (tried: number, replications: number) => void;
}

interface Candidate {
  readonly point: Point;
  readonly scenario: Scenario;
  readonly runs: readonly Measured[];
  readonly score: Score;
}

interface Impossible {
  readonly point: Point;
  readonly problems: readonly Problem[];
}

/** What a sweep goes by from its beginning to its end. */
interface Course extends SweepParts {
  readonly stored: StoredObject;
  readonly sweep: Sweep;
  readonly base: Read;
  /** Values per parameter. */
  readonly lengths: readonly number[];
  readonly patchesOf: (point: Point) => readonly CandidatePatch[];
}

/**
 * Searches with one replication each, then lets the best run on. What is run next depends on results alone, never on who was
 * done first: the same is found on any number of threads, and by pods.
 *
 * @returns what was found; or all that is wrong with the sweep as it stands
 * @throws as `parts.runs` does
 */
export const runSweep = async (stored: StoredObject, given: SweepParts): Promise<Result<Swept>> => {
  // All candidates are read from the same objects and have the same window of traffic, whatever changes meanwhile.
  const parts = { lastTraffic: new Map(), lastPages: new Map(), ...given, store: frozen(given.store) };
  const base = await read(stored, parts);
  if (!base.ok) return base;
  const { simulation, reads } = base.value;
  const { sweep } = simulation.spec;
  const { namespace, name } = simulation.metadata;
  if (sweep === undefined) {
    const message = `${name} says no spec.sweep`;
    return bad({ severity: "error", reason: "NoSweep", message, fix: "add one; docs/sweep.md shows a short one" });
  }
  const axes = axesOf(sweep.parameters);
  const lengths = axes.map((axis) => axis.length);
  const found = foundIn(stored, { simulation, sweep, lengths, reads, store: parts.store });
  if (!found.ok) return found;
  const valuesOf = (point: Point): readonly unknown[] => point.map((place, i) => axes[i]?.[place]);
  const patchesOf = (point: Point): readonly CandidatePatch[] => {
    const values = valuesOf(point);
    return found.value.map(({ parameter, object }, i) =>
      patchOf(parameter, values[i], valueAt(object, parameter.path)),
    );
  };
  const course: Course = { ...parts, stored, sweep, base: base.value, lengths, patchesOf };
  const searched = await search(course);
  if (!searched.ok) return searched;
  const { candidates, impossible } = searched.value;
  if (candidates.length === 0) return bad(...impossible.flatMap(({ problems }) => problems).slice(0, 1));
  const ranked = await halve(candidates, course);
  if (!ranked.ok) return ranked;
  const { whole } = parts;
  const sought = whole && (await findOracle(base.value.scenario, simulation.spec.objectives, whole));
  const oracle = typeof sought === "string" ? { none: sought } : sought;
  const tried = ranked.value.map(({ point, score, runs }): Tried => {
    const peers = ranked.value.filter((other) => other.runs.length === runs.length).map((other) => other.score);
    const last = runs.length === sweep.replications;
    const regret =
      oracle === undefined || "none" in oracle ? {} : { regretGpuHours: gpuHoursOf(runs) - oracle.gpuHours };
    const frontier = last && onFrontier(score, peers);
    return { values: valuesOf(point), score, replications: runs.length, frontier, ...regret };
  });
  const [best] = ranked.value;
  return good({
    simulation: `${namespace}/${name}`,
    search: sweep.search,
    parameters: found.value.map((one) => `${one.name} ${one.parameter.path}`),
    combinations: sizeOf(lengths),
    ...(oracle === undefined ? {} : { oracle }),
    tried,
    impossible: impossible.map(({ point, problems }) => ({ values: valuesOf(point), why: problems[0]?.message ?? "" })),
    ...(best === undefined || best.score.violation > 0
      ? {}
      : { recommended: recommendedOf(valuesOf(best.point), patchesOf(best.point), found.value) }),
  });
};

const gpuHoursOf = (runs: readonly Measured[]): number =>
  runs.reduce((sum, { gpuHours }) => sum + gpuHours, 0) / runs.length;

const search = async (
  course: Course,
): Promise<Result<{ readonly candidates: readonly Candidate[]; readonly impossible: readonly Impossible[] }>> => {
  const { sweep, lengths, base, patchesOf } = course;
  const candidates: Candidate[] = [];
  const impossible: Impossible[] = [];
  const rng = rngOf(base.scenario.seed).stream("sweep/search");
  const asked = { search: sweep.search, lengths, most: sweep.candidates, rng };
  for (;;) {
    candidates.sort((a, b) => byScore(a.score, b.score));
    // What can't be simulated is worse than what can.
    const known = [...candidates, ...impossible].map(({ point }) => point);
    const points = nextPoints(asked, known);
    if (points.length === 0) return good({ candidates, impossible });
    const fresh: Omit<Candidate, "score">[] = [];
    for (const point of points) {
      const scenario = await scenarioOf(patchesOf(point), course);
      if (scenario.ok) fresh.push({ point, scenario: scenario.value, runs: [] });
      else impossible.push({ point, problems: scenario.problems });
    }
    const ran = await runOn(fresh, 1, course);
    if (!ran.ok) return ran;
    candidates.push(...ran.value);
    course.tell?.(candidates.length, 1);
  }
};

/** The changed scenario, as a candidate of the simulation. */
const scenarioOf = async (patches: readonly CandidatePatch[], course: Course): Promise<Result<Scenario>> => {
  const { stored } = course;
  const spec = { ...(stored.object.spec as object), candidates: [{ name: "tried", patches }] };
  const changed = await read({ ...stored, object: { ...stored.object, spec } }, course);
  return changed.ok ? good((changed.value.candidates[0] as Read["candidates"][number]).scenario) : changed;
};

/** @returns best first: those of the last round, then those of the round before … */
const halve = async (candidates: readonly Candidate[], course: Course): Promise<Result<readonly Candidate[]>> => {
  let [left, out] = [[...candidates], [] as readonly Candidate[]];
  for (const replications of roundsOf(course.sweep.replications).slice(1)) {
    const on = survivors(left.length);
    out = [...left.slice(on), ...out];
    const ran = await runOn(left.slice(0, on), replications, course);
    if (!ran.ok) return ran;
    left = ran.value.sort((a, b) => byScore(a.score, b.score));
    course.tell?.(candidates.length, replications);
  }
  return good([...left, ...out]);
};

/** The same candidates with as many replications, of which those that are done are kept. */
const runOn = async (
  candidates: readonly Omit<Candidate, "score">[],
  replications: number,
  { runs, base: { simulation } }: Course,
): Promise<Result<Candidate[]>> => {
  const more = candidates.map(({ scenario, runs: done }) =>
    Array.from({ length: replications - done.length }, (_, i) => ({
      ...scenario,
      seed: scenario.seed + done.length + i,
    })),
  );
  const measured = await runs(more.flat(), simulation.spec.objectives);
  if (!measured.ok) {
    const object = `${KIND}/${simulation.metadata.namespace}/${simulation.metadata.name}`;
    return bad(...measured.problems.map((problem) => ({ object, ...problem })));
  }
  let at = 0;
  return good(
    candidates.map(({ point, scenario, runs: done }, i) => {
      const all = [...done, ...measured.value.slice(at, (at += more[i]?.length ?? 0))];
      return { point, scenario, runs: all, score: scoreOf(all) };
    }),
  );
};

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
