import { readFileSync } from "node:fs";
import { physical } from "../../src/latency/models/physical.ts";
import { ownParameters } from "../../src/latency/named-corrections.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { type MeasuredRun, readMeasuredRuns } from "../../src/validation/measured-run.ts";
import { refine } from "../../src/validation/refine.ts";
import { longestRequest, replay } from "../../src/validation/replay.ts";
import { scoreOf } from "../../src/validation/score.ts";
import { type Server, serverOf } from "../../src/validation/server.ts";
import { measuredData } from "./measured-data.ts";

/**
 * What `fit-model` makes of measured runs: fits to one run of a server and predicts the others of the same model, GPU and
 * split, before and after: `npx tsx test/bench/fit-model.ts [MODEL]` (minutes; MODEL is part of a name). The committed fit knows all of
 * them.
 */
const SHOWN = ["e2e_mean", "ttft_mean", "itl_mean"] as const;
const [wanted = ""] = process.argv.slice(2);

const path = measuredData("train.json");
if (path === undefined) {
  console.error("there is no measured data beside the checkout (../shared/validation)");
  process.exit(2);
}
const read = readMeasuredRuns(JSON.parse(readFileSync(path, "utf8")), path);
if (!read.ok) throw new Error(read.problems.map(describeProblem).join("\n"));
const runs = read.value.runs.filter(({ server }) => server.model.includes(wanted));

const resolved = (run: MeasuredRun): Server => {
  const server = serverOf(run.server, longestRequest(run));
  if (!server.ok) throw new Error(server.problems.map(describeProblem).join("\n"));
  return server.value;
};
const errorsOf = (run: MeasuredRun, said: Parameters<typeof ownParameters>[0]): string => {
  const server = resolved(run);
  const timing = physical.create(ownParameters(said), server.context);
  const { signed } = scoreOf(run, replay(run, server, timing, 1).overall);
  return SHOWN.map((metric) => signed[metric]?.toFixed(1)).join(", ");
};

for (const one of runs) {
  const { server } = one;
  const others = runs.filter((run) => run.server.model === server.model && run.server.tp === server.tp && run !== one);
  if (others.length === 0) continue;
  const { itl_mean, ...figures } = one.measured;
  const measured = itl_mean === undefined ? figures : { ...figures, tpot_mean: itl_mean };
  const fit = refine([{ run: { ...one, measured }, completed: 1000 }], resolved(one));
  if (!fit.ok) throw new Error(fit.problems.map(describeProblem).join("\n"));
  console.log(`${server.model}: fitted to ${one.id}; ${SHOWN.join(", ")}, signed, %`);
  for (const warning of fit.warnings) console.log(`  ${describeProblem(warning)}`);
  for (const run of [one, ...others]) {
    console.log(`  ${run.id}: ${errorsOf(run, {})} before, ${errorsOf(run, fit.value.corrections)} after`);
  }
}
