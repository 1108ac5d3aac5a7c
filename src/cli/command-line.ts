import { Command } from "commander";
import { VERSION } from "../model/version.ts";
import { calibrate } from "./commands/calibrate.ts";
import { check } from "./commands/check.ts";
import { completion } from "./commands/completion.ts";
import { crds } from "./commands/crds.ts";
import { explain } from "./commands/explain.ts";
import { fitModel } from "./commands/fit-model.ts";
import { init } from "./commands/init.ts";
import { preview } from "./commands/preview.ts";
import { run } from "./commands/run.ts";
import { sweep } from "./commands/sweep.ts";
import { sweepWorker } from "./commands/sweep-worker.ts";
import { up } from "./commands/up.ts";

/** The command line, with every command; it throws where commander would end the process. */
export const commandLine = (): Command => {
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
  for (const add of [up, preview, check, sweep, sweepWorker, run, explain, init, fitModel, calibrate, crds, completion])
    add(program);
  for (const command of program.commands) command.exitOverride();
  return program;
};
