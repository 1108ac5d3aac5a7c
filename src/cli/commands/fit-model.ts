import { statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { type Problem, sayProblem } from "../../model/problem.ts";
import { DEFAULT_LIMITS } from "../../schema/limits.ts";
import { type Refined, refine } from "../../validation/refine.ts";
import { usersRuns } from "../../validation/users-runs.ts";
import { collect } from "../collect.ts";
import { type DeployedOptions, deployedIn } from "../deployed.ts";
import { BadInput, usageError } from "../exit.ts";
import { fitReport, patchText } from "../fit-report.ts";
import { measurementsIn } from "../measurements.ts";

interface Options {
  readonly filename: readonly string[];
  readonly deployment: readonly string[];
  readonly simulation?: string;
  readonly workload?: string;
  readonly gpu?: string;
  readonly replicas?: number;
  readonly output?: string;
}

export const fitModel = (program: Command): void => {
  program
    .command("fit-model")
    .description(
      "refine the step times of one deployment by measurements of your own, and show errors before and after",
    )
    .requiredOption(
      "-f, --filename <path>",
      "results of vllm bench serve, GuideLLM or inference-perf, and manifests: a file or a folder; may be repeated",
      collect,
    )
    .option("--deployment <path>", "manifest of what was measured, as with -f; may be repeated", collect, [])
    .option("--simulation <name>", "the InferenceSimulation whose overrides count, of those given")
    .option("--workload <name>", "which workload was measured, where there are several")
    .option("--gpu <type>", "its GPU, in place of what the manifests say")
    .option("--replicas <count>", "how many replicas were measured, in place of the manifest's", wholeNumber)
    .option("-o, --output <file>", "write the corrections here: YAML, or JSON by its name; - for standard output")
    .addHelpText(
      "after",
      `
Examples:
  servetwin fit-model -f results/ --deployment deploy/examples/quickstart/vllm-llama-8b.yaml --replicas 1
  servetwin fit-model -f benchmarks.json -f deployment.yaml --gpu H100 -o corrections.yaml
  kubectl patch inferencesimulation chat --type merge --patch-file corrections.yaml`,
    )
    .action(async (options: Options) => {
      const { refined, name, warnings } = await fitted(options);
      for (const warning of warnings) process.stderr.write(`${sayProblem(warning)}\n`);
      deliver(refined, name, options.output);
    });
};

/** Reads, mirrors and fits. @throws BadInput */
export const fitted = async (
  options: Options,
): Promise<{ readonly refined: Refined; readonly name: string; readonly warnings: readonly Problem[] }> => {
  const { results, manifests, problems } = measurementsIn([...options.filename, ...options.deployment]);
  if (results.length === 0 && problems.length === 0)
    throw usageError("there is no result in what is given", "give one of vllm bench serve, GuideLLM or inference-perf");
  if (results.length === 0) throw new BadInput(problems.map((problem) => ({ ...problem, severity: "error" })));
  const deployed = await deployedIn(manifests, optionsOf(options), DEFAULT_LIMITS, folderOf(options));
  const users = usersRuns(results, deployed.server);
  const said = [...problems, ...deployed.warnings, ...users.problems];
  const fit = refine(users.runs, deployed.server);
  if (!fit.ok) throw new BadInput([...said, ...fit.problems].map((problem) => ({ ...problem, severity: "error" })));
  return { refined: fit.value, name: deployed.name, warnings: [...said, ...fit.warnings] };
};

const optionsOf = ({ simulation, workload, gpu, replicas }: Options): DeployedOptions => ({
  simulation,
  workload,
  gpu,
  replicas,
});

/** Where paths in the manifests begin. */
const folderOf = ({ filename, deployment }: Options): string => {
  const first = [...deployment, ...filename].find((path) => path !== "-");
  if (first === undefined) return process.cwd();
  return statSync(first).isDirectory() ? first : dirname(first);
};

const deliver = (refined: Refined, name: string, output: string | undefined): void => {
  const report = fitReport(refined, name);
  if (output === "-") {
    // What was asked for on standard output has it for itself.
    process.stderr.write(report);
    process.stdout.write(patchText(refined, name, output));
    return;
  }
  if (output === undefined) {
    process.stdout.write(`${report}\n${patchText(refined, name, "")}`);
    return;
  }
  try {
    writeFileSync(output, patchText(refined, name, output));
  } catch (error) {
    throw usageError(
      `${output} can't be written: ${(error as Error).message}`,
      `is there a folder ${dirname(output)}?`,
    );
  }
  process.stdout.write(`${report}\nwritten: ${output}\n`);
};

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("write a whole number above 0");
  return value;
};
