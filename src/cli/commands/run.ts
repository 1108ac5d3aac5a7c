import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { sayProblem } from "../../model/problem.ts";
import type { Report } from "../../report/report.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { DATED_BY, startOf } from "../../twin/start-of.ts";
import type { PreviewPool } from "../../worker/pool.ts";
import type { PreviewTask, RecordedSeriesSaid } from "../../worker/protocol.ts";
import { formatNamed, formatNames } from "../choose-format.ts";
import { collect } from "../collect.ts";
import { commandPool } from "../command-pool.ts";
import { BadInput, EXIT, usageError } from "../exit.ts";
import { type FileAside, fileAside } from "../file-aside.ts";
import type { Outcome } from "../format.ts";
import { simulationsIn, storeOfFiles } from "../inputs.ts";
import { judgedOutcomes } from "../judged-outcomes.ts";
import {
  durationOption,
  durationSeconds,
  type LimitOptions,
  limitsOf,
  positive,
  withLimitOptions,
} from "../limit-options.ts";
import { type Prepared, prepare } from "../prepare.ts";
import { runProgress } from "../progress.ts";
import { type UrlOptions, withUrlOptions } from "../url-options.ts";

interface Options extends LimitOptions, UrlOptions {
  readonly filename: readonly string[];
  readonly simulation?: string;
  readonly output: string;
  readonly threads: number;
  readonly requests?: string;
  readonly decisions?: string;
  readonly decisionSample: number;
  readonly openmetrics?: string;
  readonly metricsInterval: number;
  readonly bands: boolean;
}

export const run = (program: Command): void => {
  const command = program
    .command("run")
    .description("simulate once, as fast as it goes, and print what came out")
    .requiredOption(
      "-f, --filename <path>",
      "manifests: a file, a folder or - for standard input; may be repeated",
      collect,
    )
    .option("--simulation <name>", "only this InferenceSimulation of those given")
    .option("-o, --output <format>", `one of ${formatNames("print")}`, "table")
    .option("--threads <count>", "worker threads", positive, availableParallelism())
    .option(
      "--requests <file>",
      "also write what each request went through, a line of JSON each; - for standard output",
    )
    .option(
      "--decisions <file>",
      "also write how requests were routed, and what would have been better, a line of JSON each; - for standard output",
    )
    .option("--decision-sample <count>", "of every Nth request only", positive, 1)
    .option(
      "--openmetrics <file>",
      "also write the simulated series over time, for promtool tsdb create-blocks-from openmetrics; - for standard output",
    )
    .addOption(
      durationOption("--metrics-interval <duration>", "between two samples of a series in it", 15, atLeastMillisecond),
    )
    .option("--no-bands", "one run instead of three: without the bands that say how far off it may be");
  withUrlOptions(withLimitOptions(command))
    .addHelpText(
      "after",
      `
Examples:
  servetwin run -f deploy/examples/quickstart
  servetwin run -f deployment.yaml -f hpa.yaml -f simulation.yaml -o json
  servetwin run -f deploy/examples/replay --requests requests.jsonl
  servetwin run -f manifests/ --simulation last-hour --allow-url http://prometheus:9090 --openmetrics twin.om
  servetwin run -f deploy/examples/quickstart --decisions decisions.jsonl --decision-sample 100
  kubectl kustomize overlays/prod | servetwin run -f - -o yaml`,
    )
    .action(async (options: Options) => {
      // The thread of the bands loads while this one reads manifests.
      const pool = commandPool(options.threads, { early: options.bands });
      try {
        process.exitCode = await simulate(options, pool);
      } finally {
        await pool.close();
      }
    });
};

/** Prometheus counts in milliseconds. */
const atLeastMillisecond = (text: string): number => {
  const seconds = durationSeconds(text);
  if (seconds < 0.001) throw new InvalidArgumentError("write 1ms or more");
  return seconds;
};

const simulate = async (options: Options, pool: PreviewPool): Promise<number> => {
  const print = formatNamed(options.output, "print");
  const store = storeOfFiles(options.filename);
  const limits = limitsOf(options);
  const prepared: Prepared[] = [];
  for (const stored of simulationsIn(store, options.simulation)) {
    prepared.push(await prepare(store, stored, limits, options.allowUrl, options.prometheusTokenFile));
  }
  const previews = prepared.filter(({ simulation }) => simulation.spec.mode !== "Shadow");
  for (const { simulation } of prepared.filter(({ simulation }) => simulation.spec.mode === "Shadow")) {
    process.stderr.write(`note: ${simulation.metadata.name} is a ${simulation.spec.mode}: \`servetwin up\` runs it\n`);
  }
  if (previews.length === 0)
    throw usageError("there is no InferenceSimulation in mode Preview or Replay", "`servetwin up` runs a Shadow");
  for (const { simulation } of previews.filter(({ simulation }) => simulation.spec.export.remoteWrite !== undefined)) {
    const { name } = simulation.metadata;
    process.stderr.write(
      `note: the series of ${name} are pushed by \`servetwin up\` only; --openmetrics writes them\n`,
    );
  }
  for (const { warnings } of previews) {
    for (const warning of warnings) process.stderr.write(`${sayProblem(warning)}\n`);
  }
  const { requests: requestsTo, decisions: decisionsTo, openmetrics: metricsTo } = options;
  const toOutput = Object.entries({
    "--requests": requestsTo,
    "--decisions": decisionsTo,
    "--openmetrics": metricsTo,
  }).flatMap(([option, to]) => (to === "-" ? [option] : []));
  if (toOutput.length > 1)
    throw usageError(`${toOutput.join(" and ")} can't share standard output`, "name a file for all but one of them");
  const requests = fileOfOneRun("--requests", "requests", requestsTo, previews);
  const decisions = fileOfOneRun("--decisions", "decisions", decisionsTo, previews);
  const metrics = fileOfOneRun("--openmetrics", "series", metricsTo, previews);
  try {
    const files = {
      ...(requests === undefined ? {} : { requestsFile: requests.path }),
      ...(decisions === undefined ? {} : { decisionsFile: decisions.path, decisionSample: options.decisionSample }),
      ...(metrics === undefined
        ? {}
        : { metricsFile: metrics.path, recorded: recordedOf(previews[0] as Prepared, options.metricsInterval) }),
    };
    const outcomes = await runAll(previews, pool, limits.maxTraceBytes, { files, bands: options.bands });
    // What was asked for on standard output has it for itself.
    (toOutput.length > 0 ? process.stderr : process.stdout).write(print(outcomes));
    await requests?.deliver();
    await decisions?.deliver();
    await metrics?.deliver();
    return exitOf(outcomes);
  } finally {
    requests?.drop();
    decisions?.drop();
    metrics?.drop();
  }
};

/** When and under which names the series of a run are written down. @throws BadInput where its instants have no date */
const recordedOf = ({ simulation, scenario }: Prepared, everySeconds: number): RecordedSeriesSaid => {
  const startUnixSeconds = startOf(scenario);
  if (startUnixSeconds === undefined)
    throw usageError(`${scenario.simulation} has no date: its instants count from 0`, DATED_BY);
  const { naming, labels } = simulation.spec.export;
  return { startUnixSeconds, everySeconds, naming, labels };
};

/** A file that is written aside, if it is wanted. @throws BadInput unless exactly one run would write it */
const fileOfOneRun = (
  option: string,
  what: string,
  wanted: string | undefined,
  previews: readonly Prepared[],
): FileAside | undefined => {
  if (wanted === undefined) return undefined;
  const runs = previews.reduce((sum, preview) => sum + runsOf(preview), 0);
  if (runs !== 1) {
    throw usageError(
      `${option} takes the ${what} of one run, and there are ${runs}`,
      "choose an InferenceSimulation without candidates with --simulation, and set its run.replications to 1",
    );
  }
  return fileAside(wanted);
};

const runAll = async (
  previews: readonly Prepared[],
  pool: PreviewPool,
  maxTraceBytes: number,
  {
    files,
    bands,
  }: {
    readonly files: Pick<PreviewTask, "requestsFile" | "decisionsFile" | "decisionSample" | "metricsFile" | "recorded">;
    readonly bands: boolean;
  },
): Promise<Outcome[]> => {
  const shown = runProgress(previews.reduce((total, preview) => total + runsOf(preview), 0));
  const abort = new AbortController();
  const run = async (scenario: Scenario, first: boolean): Promise<Report> => {
    const tell = shown.run(scenario, first);
    const looks = first && shown.looks !== undefined ? { looks: shown.looks } : {};
    const task = { scenario, maxTraceBytes, bands: bands && first, ...looks };
    const result = await pool.run({ ...task, ...files }, abort.signal, tell);
    tell({ done: 1, simulatedSeconds: 0, requests: 0 });
    if (result.kind === "report") return result.report;
    const { kind: _, ...problem } = result;
    throw new BadInput([{ severity: "error", object: `InferenceSimulation/${scenario.simulation}`, ...problem }]);
  };
  try {
    const outcomes = await Promise.all(previews.map((preview) => outcomesOf(preview, run)));
    return outcomes.flat();
  } finally {
    abort.abort();
    shown.stop();
  }
};

/** Baseline and candidates, each under the same seeds. */
const outcomesOf = async (
  { simulation, scenario: baseline, candidates }: Prepared,
  run: (scenario: Scenario, first: boolean) => Promise<Report>,
): Promise<Outcome[]> => {
  const scenarios = [baseline, ...candidates.map(({ scenario }) => scenario)];
  const replications = Array.from({ length: simulation.spec.run.replications }, (_, i) => i);
  const reports = await Promise.all(
    scenarios.map((scenario) =>
      Promise.all(replications.map((i) => run({ ...scenario, seed: scenario.seed + i }, i === 0))),
    ),
  );
  return judgedOutcomes(
    baseline.simulation,
    simulation,
    scenarios.map(({ name }, i) => ({ scenario: name, reports: reports[i] ?? [] })),
  );
};

const runsOf = ({ simulation, candidates }: Prepared): number =>
  simulation.spec.run.replications * (1 + candidates.length);

/** Where there are candidates, the question is whether they meet the objectives; the baseline is what they are held against. */
const exitOf = (outcomes: readonly Outcome[]): number => {
  const compared = new Set(
    outcomes.filter(({ differences: d }) => d !== undefined).map(({ simulation }) => simulation),
  );
  const asked = outcomes.filter(({ simulation, differences: d }) => d !== undefined || !compared.has(simulation));
  if (asked.some(({ verdict }) => verdict === "Failed")) return EXIT.notMet;
  if (asked.some(({ verdict }) => verdict === "Inconclusive")) return EXIT.inconclusive;
  return EXIT.met;
};
