import { CommanderError } from "commander";
import { sayProblem } from "../model/problem.ts";
import { commandLine } from "./command-line.ts";
import { BadInput, EXIT, TimedOut } from "./exit.ts";

/** Does what the arguments of the process ask for, and sets its exit code. */
export const main = async (): Promise<void> => {
  // Whoever reads has read enough (`servetwin run … | head`): nothing went wrong, and nothing more is wanted.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.met);
    throw error;
  });
  try {
    await (await commandLine(process.argv[2])).parseAsync();
  } catch (error) {
    process.exitCode = codeOf(error);
  }
};

const codeOf = (error: unknown): number => {
  if (error instanceof BadInput) {
    for (const problem of error.problems) process.stderr.write(`${sayProblem(problem)}\n`);
    return EXIT.badInput;
  }
  if (error instanceof TimedOut) {
    process.stderr.write(`error: ${error.message}\n`);
    return EXIT.inconclusive;
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.met : EXIT.badInput;
  process.stderr.write(`internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.internal;
};
