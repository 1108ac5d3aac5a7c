import { describeProblem, type Problem } from "../model/problem.ts";

/** 0 met, 1 not met, 2 bad input, 3 inconclusive, 4 internal. */
export const EXIT = { met: 0, notMet: 1, badInput: 2, inconclusive: 3, internal: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Bad input: ends the command with code 2 after its problems were printed. */
export class BadInput extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(describeProblem).join("\n"));
    this.name = "BadInput";
    this.problems = problems;
  }
}

/** A single problem about how the command was called. */
export const usageError = (message: string, fix?: string): BadInput =>
  new BadInput([{ severity: "error", reason: "BadUsage", message, ...(fix === undefined ? {} : { fix }) }]);

/** The wall clock had its say before there was a verdict: ends the command with code 3, and nothing that depends on speed is printed. */
export class TimedOut extends Error {
  constructor(seconds: number) {
    super(`there is no supported verdict after ${seconds} s; raise --timeout, or lower --budget or the horizon`);
    this.name = "TimedOut";
  }
}
