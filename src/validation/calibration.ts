import { CORRECTIONS, correctionsOf, priorLogs } from "../latency/corrections.ts";
import { physical } from "../latency/models/physical.ts";
import { physicalTerms } from "../latency/physical-terms.ts";
import type { FitProblem } from "./fit.ts";
import type { MeasuredRun } from "./measured-run.ts";
import { observationsOf } from "./observations.ts";
import { longestRequest, type Replayed, replay } from "./replay.ts";
import { type Server, serverOf } from "./server.ts";

/** Requests per stage, and rounds of a closed loop, that are enough to see how a run answers to a correction. */
const SKETCH = { requests: 1200, rounds: 4 };
const SEED = 1;

/** The fit of `physical`'s corrections to measured runs. Runs of servers that can't be had are left out. */
export const calibration = (runs: readonly MeasuredRun[]): FitProblem => {
  const servers = new Map<string, Server>();
  for (const run of runs) {
    const server = serverOf(run.server, longestRequest(run));
    if (server.ok) servers.set(run.id, server.value);
  }
  const observations = observationsOf(runs.filter(({ id }) => servers.has(id)));
  const used = [...new Set(observations.map(({ run }) => run))];
  const sketched = used.map(sketchOf);
  const [whole, brief] = [replayer(used, servers), replayer(sketched, servers)];
  return {
    observations,
    prior: priorLogs,
    spread: CORRECTIONS.map(({ spread }) => spread),
    replay: whole,
    sketch: brief,
  };
};

/** Runs that a change of the vector doesn't touch are not replayed again. */
const replayer = (runs: readonly MeasuredRun[], servers: ReadonlyMap<string, Server>) => {
  const done = new Map<string, { readonly key: string; readonly replayed: Replayed }[]>();
  return (vector: readonly number[], wanted: (run: MeasuredRun) => boolean = () => true): Map<string, Replayed> => {
    const all = new Map<string, Replayed>();
    for (const run of runs) {
      if (!wanted(run)) continue;
      const server = servers.get(run.id) as Server;
      const { experts, ...terms } = physicalTerms(correctionsOf(vector), server.context);
      const key = JSON.stringify([terms, [...experts.subarray(0, 300)]]);
      const before = done.get(run.id) ?? [];
      const known = before.find((one) => one.key === key);
      const timing = physical.create({ corrections: [...vector], pace: 1 }, server.context);
      const replayed = known?.replayed ?? replay(run, server, timing, SEED);
      if (known === undefined) done.set(run.id, [...before.slice(0, 1), { key, replayed }]);
      all.set(run.id, replayed);
    }
    return all;
  };
};

/** A run with no more requests than its derivatives need. */
export const sketchOf = (run: MeasuredRun): MeasuredRun => {
  const { load } = run;
  switch (load.kind) {
    case "pool": {
      const stages = load.stages.map((stage) => {
        const share = Math.min(1, SKETCH.requests / stage.requests);
        return {
          ...stage,
          durationSeconds: stage.durationSeconds * share,
          requests: Math.round(stage.requests * share),
        };
      });
      return { ...run, load: { ...load, stages } };
    }
    case "closed":
      return { ...run, load: { ...load, requests: Math.min(load.requests, SKETCH.rounds * load.concurrency) } };
    case "trace":
      return run;
    default:
      return load satisfies never;
  }
};
