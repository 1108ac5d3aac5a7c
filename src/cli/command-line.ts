import { Command } from "commander";
import { VERSION } from "../model/version.ts";

/** By name, in the order of the help: each is loaded when it is asked for. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  up: async () => (await import("./commands/up.ts")).up,
  preview: async () => (await import("./commands/preview.ts")).preview,
  check: async () => (await import("./commands/check.ts")).check,
  sweep: async () => (await import("./commands/sweep.ts")).sweep,
  "sweep-worker": async () => (await import("./commands/sweep-worker.ts")).sweepWorker,
  run: async () => (await import("./commands/run.ts")).run,
  explain: async () => (await import("./commands/explain.ts")).explain,
  init: async () => (await import("./commands/init.ts")).init,
  "fit-model": async () => (await import("./commands/fit-model.ts")).fitModel,
  calibrate: async () => (await import("./commands/calibrate.ts")).calibrate,
  crds: async () => (await import("./commands/crds.ts")).crds,
  completion: async () => (await import("./commands/completion.ts")).completion,
};

/**
 * The command line; it throws where commander would end the process.
 * @param asked the command that is called, which then stands alone; of any other word, or none: all commands
 */
export const commandLine = async (asked = ""): Promise<Command> => {
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
  // Completion is about all of them.
  const alone = Object.hasOwn(COMMANDS, asked) && asked !== "completion";
  for (const load of alone ? [COMMANDS[asked]] : Object.values(COMMANDS)) (await load?.())?.(program);
  for (const command of program.commands) command.exitOverride();
  return program;
};
