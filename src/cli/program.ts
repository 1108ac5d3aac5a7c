import { Command, CommanderError } from "commander";
import { describeProblem } from "../model/problem.ts";
import { VERSION } from "../model/version.ts";
import { calibrate } from "./commands/calibrate.ts";
import { check } from "./commands/check.ts";
import { crds } from "./commands/crds.ts";
import { explain } from "./commands/explain.ts";
import { fitModel } from "./commands/fit-model.ts";
import { init } from "./commands/init.ts";
import { preview } from "./commands/preview.ts";
import { run } from "./commands/run.ts";
import { up } from "./commands/up.ts";
import { BadInput, EXIT, TimedOut } from "./exit.ts";

const program = new Command("servetwin")
  .description(
    "A digital twin of LLM-inference platforms on Kubernetes: everything it prints is simulated, not measured.",
  )
  .version(VERSION)
  .showHelpAfterError()
  .exitOverride()
  .addHelpText(
    "after",
    `
Examples:
  servetwin up deploy/examples/quickstart            operator, metrics, API and page on a folder of manifests
  servetwin up --kubeconfig ~/.kube/config           the same on a cluster
  servetwin preview -f hpa.yaml                      what a change would do, beside today's platform
  servetwin check -f deploy/prod --base origin/main  the same of a pull request, for CI
  servetwin init -f manifests -o simulations         a simulation of each deployment that is found, ready to run
  servetwin run -f deploy/examples/quickstart        simulate once; tables and plots
  servetwin explain -f deploy/examples/quickstart    every value the simulation uses, and where it comes from

Exit codes: 0 objectives met (or none said), 1 not met, 2 bad input, 3 inconclusive, 4 internal error.`,
  );
for (const add of [up, preview, check, run, explain, init, fitModel, calibrate, crds]) add(program);
for (const command of program.commands) command.exitOverride();

// Whoever reads has read enough (`servetwin run … | head`): nothing went wrong, and nothing more is wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.met);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = codeOf(error);
}

function codeOf(error: unknown): number {
  if (error instanceof BadInput) {
    for (const problem of error.problems) process.stderr.write(`error: ${describeProblem(problem)}\n`);
    return EXIT.badInput;
  }
  if (error instanceof TimedOut) {
    process.stderr.write(`error: ${error.message}\n`);
    return EXIT.inconclusive;
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.badInput;
  process.stderr.write(`internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.internal;
}
