import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { runSweep } from "../../operator/sweep/run-sweep.ts";
import type { Swept } from "../../operator/sweep/swept.ts";
import { threadRun, threadRuns } from "../../operator/sweep/thread-runs.ts";
import { formatNamed, formatNames } from "../choose-format.ts";
import { collect } from "../collect.ts";
import { commandPool } from "../command-pool.ts";
import { BadInput, EXIT, usageError } from "../exit.ts";
import { simulationsIn, storeOfFiles } from "../inputs.ts";
import { type LimitOptions, limitsOf, positiveWhole, withLimitOptions } from "../limit-options.ts";

interface Options extends LimitOptions {
  readonly filename: readonly string[];
  readonly simulation?: string;
  readonly output: string;
  readonly threads: number;
  readonly allowUrl: readonly string[];
}

export const sweep = (program: Command): void => {
  const command = program
    .command("sweep")
    .description("search for the cheapest configuration that meets the objectives (spec.sweep)")
    .requiredOption(
      "-f, --filename <path>",
      "manifests: a file, a folder or - for standard input; may be repeated",
      collect,
    )
    .option("--simulation <name>", "only this InferenceSimulation of those given")
    .option("-o, --output <format>", `one of ${formatNames("sweep")}`, "table")
    .option("--threads <count>", "worker threads", positiveWhole, availableParallelism())
    .option(
      "--allow-url <url>",
      "traces and metrics pages may be fetched from URLs below this one; may be repeated",
      collect,
      [],
    );
  withLimitOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  servetwin sweep -f deploy/examples/quickstart -f deploy/examples/sweep
  servetwin sweep -f manifests -o yaml

Exit codes: 0 a configuration meets the objectives, 1 none that was tried does, 2 bad input.`,
    )
    .action(async (options: Options) => {
      process.exitCode = await sweepAll(options);
    });
};

const sweepAll = async (options: Options): Promise<number> => {
  const print = formatNamed(options.output, "sweep");
  const store = storeOfFiles(options.filename);
  const said = simulationsIn(store, options.simulation);
  // Of many given only those count that ask for a sweep; the one that was named has to.
  const asking = said.filter(({ object }) => (object.spec as { sweep?: unknown } | undefined)?.sweep !== undefined);
  if (asking.length === 0)
    throw usageError("no InferenceSimulation given has a spec.sweep", "add one; docs/sweep.md shows a short one");
  const pool = commandPool(options.threads);
  const abort = new AbortController();
  // Every run that waits for a thread listens.
  setMaxListeners(0, abort.signal);
  const tell = (tried: number, replications: number): void => {
    if (process.stderr.isTTY === true) process.stderr.write(`${tried} tried; replications: ${replications}\n`);
  };
  const limits = limitsOf(options);
  const { maxTraceBytes } = limits;
  const threads = { pool, maxTraceBytes, signal: abort.signal };
  const runs = threadRuns({ ...threads, atOnce: options.threads });
  const parts = { store, limits, allowedUrls: options.allowUrl, runs, whole: threadRun(threads), tell };
  try {
    const found: Swept[] = [];
    for (const stored of asking) {
      const swept = await runSweep(stored, parts);
      if (!swept.ok) throw new BadInput(swept.problems);
      found.push(swept.value);
    }
    process.stdout.write(print(found));
    return found.every(({ recommended }) => recommended !== undefined) ? EXIT.met : EXIT.notMet;
  } finally {
    abort.abort();
    await pool.close();
  }
};
