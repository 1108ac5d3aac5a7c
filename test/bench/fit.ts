import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CORRECTIONS } from "../../src/latency/corrections.ts";
import type { Fitted, NoveltyKind, ResidualMetric } from "../../src/latency/fit-result.ts";
import { fitted as lastFit } from "../../src/latency/fitted.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { coverageOf } from "../../src/validation/accuracy.ts";
import { calibration } from "../../src/validation/calibration.ts";
import { cost, type FitProblem, residualsAt, slopesAt, solve } from "../../src/validation/fit.ts";
import {
  type Crowding,
  crossValidate,
  crowdingOf,
  deploymentScatter,
  type FoldRun,
  foldBands,
  foldsBy,
  kindsOf,
  modelFolds,
  noveltyScatter,
  residualScatter,
  type WholeFit,
} from "../../src/validation/folds.ts";
import { type MeasuredRun, readMeasuredRuns } from "../../src/validation/measured-run.ts";
import { longestRequest } from "../../src/validation/replay.ts";
import { type Group, groupOf, SCORED, scoreOf } from "../../src/validation/score.ts";
import { type Server, serverOf } from "../../src/validation/server.ts";
import { measuredData } from "./measured-data.ts";

/**
 * Fits `physical` to the measured data beside the checkout and says how well it predicts what it was not fitted to:
 * `npm run fit` (minutes) writes src/latency/fitted.ts; `-- --dry` leaves it as it is; `-- --again` begins with what
 * was fitted last; `-- --keep` leaves that as it is and only
 * makes the folds; `-- --without NAME`, repeated, leaves corrections out and writes nothing; `-- --data FILE`, repeated, fits to other files.
 */
const FILES = ["train.json", "extra.json", "published_cases.json"];
const STEPS = 7;
/** A step that makes the cost smaller by less than this is the last. */
const CONVERGED = 0.7;
const TARGET = fileURLToPath(new URL("../../src/latency/fitted.ts", import.meta.url));

const { values } = parseArgs({
  options: {
    dry: { type: "boolean", default: false },
    again: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    without: { type: "string", multiple: true, default: [] },
    data: { type: "string", multiple: true },
  },
});

const fail = (message: string): never => {
  console.error(message);
  process.exit(2);
};

const paths = values.data ?? FILES.map((name) => measuredData(name) ?? fail(`${name} isn't beside the checkout`));
const data: { file: string; sha256: string }[] = [];
const runs: MeasuredRun[] = [];
for (const path of paths) {
  const text = readFileSync(path);
  const read = readMeasuredRuns(JSON.parse(text.toString()), path);
  for (const problem of read.ok ? read.warnings : read.problems) console.error(describeProblem(problem));
  if (read.ok) runs.push(...read.value.runs);
  data.push({
    file: path.slice(path.lastIndexOf("/") + 1),
    sha256: createHash("sha256").update(text).digest("hex"),
  });
}

/** A correction that is left out keeps a value too small to matter. */
const NOTHING = { log: Math.log(1e-6), spread: 0.01 };
const kept = (of: readonly number[], nothing: number): readonly number[] =>
  of.map((value, i) => (values.without.includes(CORRECTIONS[i]?.name as string) ? nothing : value));
const complete = calibration(runs);
const problem: FitProblem = {
  ...complete,
  prior: kept(complete.prior, NOTHING.log),
  spread: kept(complete.spread, NOTHING.spread),
};
const deployments = new Set(problem.observations.map(({ run }) => run.deployment)).size;
if (problem.observations.length <= CORRECTIONS.length) {
  fail(
    `${problem.observations.length} measured figures can't fit ${CORRECTIONS.length} corrections: more runs are needed`,
  );
}
console.log(`${problem.observations.length} figures of ${deployments} deployments, ${CORRECTIONS.length} corrections`);

// ---- the fit

/** A step of Gauss and Newton, shortened until it helps; undefined: it doesn't. */
const stepFrom = (
  from: WholeFit,
  reachedSoFar: number,
): { readonly fit: WholeFit; readonly cost: number } | undefined => {
  const { vector: wanted } = solve(problem, from.vector, from.residuals, from.slopes);
  for (let share = 1; share > 0.2; share /= 2) {
    const vector = from.vector.map((value, i) => value + share * ((wanted[i] as number) - value));
    const residuals = residualsAt(problem, vector);
    const reached = cost(problem, vector, residuals);
    if (reached < reachedSoFar) return { fit: { ...from, vector, residuals }, cost: reached };
  }
  return undefined;
};

const first = values.again || values.keep ? kept(lastFit.corrections, NOTHING.log) : problem.prior;
let whole: WholeFit = { problem, vector: first, residuals: residualsAt(problem, first), slopes: [] };
let now = cost(problem, whole.vector, whole.residuals);
console.log(`${values.again || values.keep ? "last fit" : "priors alone"}: ${now.toFixed(1)}`);
if (values.keep) whole = { ...whole, slopes: slopesAt(problem, whole.vector) };
for (let step = 1; step <= STEPS && !values.keep; step += 1) {
  const before = now;
  whole = { ...whole, slopes: slopesAt(problem, whole.vector) };
  // Several steps with the same slopes: these cost far more than a step.
  for (let chord = 0; chord < 3; chord += 1) {
    const better = stepFrom(whole, now);
    if (better === undefined) break;
    [whole, now] = [better.fit, better.cost];
  }
  console.log(`step ${step}: ${now.toFixed(1)}`);
  if (before - now < CONVERGED) break;
}
const { covariance } = solve(problem, whole.vector, whole.residuals, whole.slopes);
for (const [i, { name, kind, prior, meaning }] of CORRECTIONS.entries()) {
  const value = Math.exp(whole.vector[i] as number);
  const unit = kind === "micros" ? "us" : "";
  const deviation = Math.sqrt(covariance[i]?.[i] as number);
  console.log(
    `${name.padEnd(20)} ${value.toPrecision(3).padStart(8)} ${unit.padEnd(2)} x/: ${Math.exp(deviation).toFixed(2)}  (prior ${prior}) ${meaning}`,
  );
}

// ---- folds

const isOpen = (run: MeasuredRun): boolean => run.load.kind === "pool";
const table = (name: string, group: Group): void => {
  const shown = SCORED.filter((metric) => group.median[metric] !== undefined);
  const cells = shown.map(
    (metric) => `${metric} ${group.median[metric]?.toFixed(1)} (${group.mean[metric]?.toFixed(1)})`,
  );
  console.log(`${name}, ${group.runs} runs, median (mean) absolute error, %: ${cells.join(", ")}`);
};
const scoresOf = (held: readonly FoldRun[]) => held.map(({ score }) => score);
const byModel = crossValidate(whole, modelFolds(runs), runs, () => true);
const open = byModel.filter(({ score }) => isOpen(score.run));
const closed = byModel.filter(({ score }) => score.run.load.kind === "closed");
table("leave one model out, open loop", groupOf("all", "open", scoresOf(open)));
table("leave one model out, closed loop", groupOf("all", "closed", scoresOf(closed)));
/** TTFT of those that wait for room is their queue's; nothing is fitted to it. */
const CROWDINGS: readonly Crowding[] = ["prompts fit one step", "requests fit the cache", "a queue forms"];
for (const crowding of CROWDINGS) {
  const these = closed.filter(({ score, server }) => crowdingOf(score.run, server) === crowding);
  table(`leave one model out, closed loop, ${crowding}`, groupOf("all", crowding, scoresOf(these)));
}
const noQueue = closed.filter(({ score, server }) => crowdingOf(score.run, server) !== "a queue forms");
table("leave one model out, closed loop, no queue", groupOf("all", "no queue", scoresOf(noQueue)));
for (const { fold, score } of open) {
  const cells = SCORED.flatMap((metric) => {
    const value = score.signed[metric];
    return value === undefined ? [] : [`${metric} ${value.toFixed(1)}`];
  });
  console.log(`  without ${fold}: ${score.run.id}: ${cells.join(", ")}`);
}

// ---- scatter

const replayed = problem.replay(whole.vector);
const inSample = runs.flatMap((run) => {
  const one = replayed.get(run.id);
  return one === undefined || run.suspect ? [] : [scoreOf(run, one.overall)];
});
table(
  "in sample, open loop",
  groupOf(
    "all",
    "open",
    inSample.filter(({ run }) => isOpen(run)),
  ),
);
table(
  "in sample, closed loop",
  groupOf(
    "all",
    "closed",
    inSample.filter(({ run }) => run.load.kind === "closed"),
  ),
);
const serverFor = new Map(
  runs.flatMap((run) => {
    const server = serverOf(run.server, longestRequest(run));
    return server.ok ? [[run.id, server.value] as const] : [];
  }),
);
table(
  "in sample, closed loop, no queue",
  groupOf(
    "all",
    "no queue",
    inSample.filter(({ run }) => {
      const server = serverFor.get(run.id);
      const crowding = server === undefined ? undefined : crowdingOf(run, server);
      return crowding !== undefined && crowding !== "a queue forms";
    }),
  ),
);
const novelty = Object.fromEntries(
  (Object.keys(kindsOf) as NoveltyKind[]).map((kind) => {
    const folds = foldsBy(runs, (run) => {
      const server = serverFor.get(run.id);
      return server === undefined ? [] : kindsOf[kind](server);
    });
    const held = scoresOf(crossValidate(whole, folds, runs, ({ id }) => serverFor.has(id)));
    for (const { name, holds } of folds) {
      const fold = held.filter(({ run }) => holds(run));
      table(`leave out ${kind} ${name}`, groupOf("all", name, fold));
    }
    const byFold = folds.map(({ holds }) => held.filter(({ run }) => holds(run)));
    return [kind, noveltyScatter(byFold, inSample)];
  }),
) as Fitted["novelty"];

const OPEN_METRICS: readonly ResidualMetric[] = [
  "e2e_mean",
  "e2e_p90",
  "e2e_p99",
  "ttft_mean",
  "ttft_p90",
  "ttft_p99",
  "itl_mean",
];
const CLOSED_METRICS: readonly ResidualMetric[] = [
  "ttft_cold",
  "ttft_p95",
  "itl_median",
  "tpot_mean",
  "output_tokens_per_s",
];
const covered = (kind: NoveltyKind): readonly string[] =>
  [...new Set(problem.observations.flatMap(({ run }) => kindsOf[kind](serverFor.get(run.id) as Server)))].sort();
const bare: Fitted = {
  corrections: whole.vector,
  covariance,
  deployment: 0,
  residual: { ...residualScatter(open, OPEN_METRICS), ...residualScatter(closed, CLOSED_METRICS) },
  novelty,
  covered: { gpus: covered("gpu"), precisions: covered("precision"), architectures: covered("architecture") },
  data,
};
const fitted: Fitted = { ...bare, deployment: deploymentScatter(open, bare) };
console.log(`deployment ${fitted.deployment.toFixed(3)}, novelty ${JSON.stringify(novelty)}`);
console.log(`residual ${JSON.stringify(fitted.residual)}`);
for (const [name, held] of [
  ["open loop", open],
  ["closed loop", closed],
] as const) {
  const coverage = coverageOf(foldBands(held, fitted));
  const share = ((coverage?.share ?? 0) * 100).toFixed(0);
  console.log(`p10 to p90 of held-out runs, ${name}, holds ${share} % of the measured values`);
  console.log(
    `  by metric ${JSON.stringify(coverage?.byMetric)}, median p90 / p10 ${JSON.stringify(coverage?.widths)}`,
  );
}

if (!values.dry && values.without.length === 0) {
  const short = (value: number): number => Number(value.toPrecision(6));
  const rounded: Fitted = {
    ...fitted,
    corrections: fitted.corrections.map(short),
    covariance: fitted.covariance.map((row) => row.map((value) => Number(value.toPrecision(4)))),
    deployment: short(fitted.deployment),
    residual: Object.fromEntries(
      Object.entries(fitted.residual).map(([key, value]) => [key, short(value)]),
    ) as Fitted["residual"],
    novelty: Object.fromEntries(
      Object.entries(fitted.novelty).map(([key, value]) => [key, short(value)]),
    ) as Fitted["novelty"],
  };
  writeFileSync(
    TARGET,
    `import type { Fitted } from "./fit-result.ts";\n\n/** Written by \`npm run fit\`; not to be changed by hand. */\nexport const fitted: Fitted = ${JSON.stringify(rounded)};\n`,
  );
  execFileSync("npx", ["biome", "format", "--write", TARGET], { stdio: "ignore" });
  console.log(`wrote ${TARGET}`);
}
