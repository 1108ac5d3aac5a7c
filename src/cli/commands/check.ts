import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import type { CheckOptions } from "../check/check-change.ts";
import { formatNamed } from "../choose-format.ts";
import { collect } from "../collect.ts";
import { usageError } from "../exit.ts";
import type { Answer } from "../format.ts";
import { positive, positiveWhole, withLimitOptions } from "../limit-options.ts";
import { answerOf, verdictSentence } from "../preview/verdict.ts";
import { withUrlOptions } from "../url-options.ts";
import { DEFAULT_BUDGET } from "./preview.ts";

/** Reports that may be written beside what is printed. */
const REPORTS = ["markdown", "html", "junit", "sarif", "json"] as const;

type Options = CheckOptions & Readonly<Partial<Record<(typeof REPORTS)[number], string>>>;

export const check = (program: Command): void => {
  const command = program
    .command("check")
    .description("what a pull request does to every simulated platform that it concerns, for CI")
    .requiredOption(
      "-f, --filename <path>",
      "manifests as the pull request has them: a file, a folder (kustomize and helm are run if it is theirs) or -; may be repeated",
      collect,
    )
    .option(
      "--base <ref>",
      "what they are compared with: a commit of this repository, or a folder or file of manifests",
      "HEAD",
    )
    .option("--simulation <name>", "only this InferenceSimulation")
    .option("--budget <count>", "most replications of each side", positiveWhole, DEFAULT_BUDGET)
    .option("--timeout <seconds>", "give up after so long, with exit code 3", positive)
    .option("--threads <count>", "worker threads", positiveWhole, availableParallelism());
  for (const name of REPORTS) command.option(`--${name} <file>`, `also write a report as ${name}`);
  withUrlOptions(withLimitOptions(command))
    .addHelpText(
      "after",
      `
Examples:
  servetwin check -f deploy/prod --base origin/main --markdown report.md --junit junit.xml --sarif servetwin.sarif
  servetwin check -f deploy/prod                          what you have not committed yet
  kustomize build overlays/prod | servetwin check -f - --base rendered-base.yaml

The same commits give the same bytes. Exit codes: 0 met (or nothing that is simulated changes), 1 not met, 2 bad input,
3 inconclusive.`,
    )
    .action(async (options: Options) => {
      const { checkChange } = await import("../check/check-change.ts");
      const { answer, exitCode } = await checkChange(options);
      for (const name of REPORTS) {
        const file = options[name];
        if (file !== undefined) written(file, formatNamed(name, "compare")(answer));
      }
      process.stdout.write(summaryOf(answer));
      process.exitCode = exitCode;
    });
};

const written = (file: string, text: string): void => {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw usageError(`${file} can't be written: ${(error as Error).message}`);
  }
};

/** A line for each simulation. */
const summaryOf = ({ objects, previews, leftOut }: Answer): string =>
  [
    `${objects.length} object${objects.length === 1 ? "" : "s"} changed, ${previews.length} simulation${previews.length === 1 ? "" : "s"} concerned`,
    ...previews.map((preview) => `${answerOf(preview)}: ${preview.name}: ${verdictSentence(preview)}`),
    ...leftOut.map(({ simulation, why }) => `left out: ${simulation} ${why}`),
    "",
  ].join("\n");
