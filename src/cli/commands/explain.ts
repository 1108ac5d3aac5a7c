import Table from "cli-table3";
import type { Command } from "commander";
import { dump } from "js-yaml";
import { describeSource } from "../../model/known.ts";
import { sayProblem } from "../../model/problem.ts";
import type { ExplainDocument } from "../../schema/explain-document.ts";
import { collect } from "../collect.ts";
import { derivationOf, derivationText } from "../derivation.ts";
import { usageError } from "../exit.ts";
import { simulationsIn, storeOfFiles } from "../inputs.ts";
import { type LimitOptions, limitsOf, withLimitOptions } from "../limit-options.ts";
import { type Prepared, prepare } from "../prepare.ts";
import { type UrlOptions, withUrlOptions } from "../url-options.ts";

interface Options extends LimitOptions, UrlOptions {
  readonly filename: readonly string[];
  readonly simulation?: string;
  readonly output: string;
}

export const explain = (program: Command): void => {
  const command = program
    .command("explain")
    .description("print every value a simulation uses, and the object and field it comes from, or that it is a default")
    .requiredOption(
      "-f, --filename <path>",
      "manifests: a file, a folder or - for standard input; may be repeated",
      collect,
    )
    .option("--simulation <name>", "only this InferenceSimulation of those given")
    .option("-o, --output <format>", "table, tree (from what was read to what was derived), json or yaml", "table");
  withUrlOptions(withLimitOptions(command))
    .addHelpText("after", "\nExample:\n  servetwin explain -f deploy/examples/quickstart --simulation chat-preview\n")
    .action(async (options: Options) => {
      const print = printers[options.output as keyof typeof printers];
      if (print === undefined)
        throw usageError(`there is no output format ${options.output}`, "choose one of table, tree, json, yaml");
      const store = storeOfFiles(options.filename);
      const all: Prepared[] = [];
      for (const stored of simulationsIn(store, options.simulation)) {
        all.push(await prepare(store, stored, limitsOf(options), options.allowUrl, options.prometheusTokenFile));
      }
      process.stdout.write(print(all));
    });
};

const printers = {
  table: (all: readonly Prepared[]): string => all.map(asTable).join("\n"),
  tree: (all: readonly Prepared[]): string => all.map(asTree).join("\n"),
  json: (all: readonly Prepared[]): string => `${JSON.stringify(all.map(asData), null, 2)}\n`,
  yaml: (all: readonly Prepared[]): string => dump(all.map(asData), { noRefs: true, lineWidth: 160 }),
};

const asTable = ({ scenario, values, candidates, warnings }: Prepared): string =>
  [
    scenario.simulation,
    valueTable(values),
    ...candidates.flatMap((candidate) => [
      `${scenario.simulation}, candidate ${candidate.scenario.name}: what differs`,
      valueTable(candidate.values),
    ]),
    ...warnings.map(sayProblem),
    "",
  ].join("\n");

const asTree = ({ scenario, values, candidates, warnings }: Prepared): string =>
  [
    `${scenario.simulation}\n\n${derivationText(derivationOf(values))}`,
    ...candidates.map(
      (candidate) =>
        `\n${scenario.simulation}, candidate ${candidate.scenario.name}: what differs\n\n${derivationText(derivationOf(candidate.values))}`,
    ),
    ...warnings.map((warning) => `\n${sayProblem(warning)}\n`),
  ].join("");

const valueTable = (values: Prepared["values"]): string => {
  const rows = new Table({
    head: ["value", "is", "from"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { path, value, from } of values) rows.push([path, String(value), describeSource(from)]);
  return rows.toString();
};

const asData = ({ scenario, values, candidates, warnings }: Prepared): ExplainDocument[number] => ({
  simulation: scenario.simulation,
  values,
  derivation: derivationOf(values),
  ...(candidates.length === 0
    ? {}
    : { candidates: candidates.map((candidate) => ({ name: candidate.scenario.name, values: candidate.values })) }),
  warnings,
});
