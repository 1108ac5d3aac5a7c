import { BadInput } from "../../src/cli/exit.ts";
import { simulationsIn, storeOfFiles } from "../../src/cli/inputs.ts";
import { type Prepared, prepare } from "../../src/cli/prepare.ts";
import { type Problem, sayProblem } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";

/** One case of the corpus: what the command line says of it, a line each, as its head has them. */
export const HEAD = /^(?:# (?:error|warning): .*\n)*(?:# (?:bad input|good)\n)/;

export interface Verdict {
  /** As the command line prints them: `error: file:line: …`, `warning: …`; files without their folder. */
  readonly lines: readonly string[];
  /** Those that may run. */
  readonly prepared: readonly Prepared[];
}

/** What `servetwin run -f FILE` makes of a file before it simulates. @throws whatever is not the input's fault */
export const verdictOn = async (file: string, folder: string): Promise<Verdict> => {
  const said: Problem[] = [];
  const prepared: Prepared[] = [];
  try {
    const store = storeOfFiles([file], (warning) => said.push(warning));
    for (const stored of simulationsIn(store, undefined)) {
      const one = await prepare(store, stored, DEFAULT_LIMITS, []);
      said.push(...one.warnings);
      prepared.push(one);
    }
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    said.push(...error.problems);
    prepared.length = 0;
  }
  return {
    lines: said.map((problem) => sayProblem(problem).replaceAll(`${folder}/`, "").replaceAll(folder, ".")),
    prepared,
  };
};

/** The head that a case should have. */
export const headOf = ({ lines, prepared }: Verdict): string =>
  [...lines.map((line) => `# ${line}\n`), prepared.length > 0 ? "# good\n" : "# bad input\n"].join("");
