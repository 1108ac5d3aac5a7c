import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { type CalibrateOptions, calibrateDeployment } from "../calibration/calibrate-deployment.ts";
import { calibrationPatch, calibrationReport } from "../calibration/calibration-report.ts";
import { collect } from "../collect.ts";
import { usageError } from "../exit.ts";
import { withLimitOptions } from "../limit-options.ts";
import { withUrlOptions } from "../url-options.ts";

export const calibrate = (program: Command): void => {
  const command = program
    .command("calibrate")
    .description("fit the engine of one deployment to production's own histograms, and show what changes")
    .requiredOption(
      "-f, --filename <path>",
      "manifests, with an InferenceSimulation that has workload.prometheus: a file, a folder or -; may be repeated",
      collect,
    )
    .option("--simulation <name>", "which InferenceSimulation, where there are several")
    .option("-o, --output <file>", "write the corrections here, as a patch in YAML");
  withUrlOptions(withLimitOptions(command))
    .addHelpText(
      "after",
      `
Examples:
  servetwin calibrate -f manifests/ --simulation chat-live --allow-url http://prometheus:9090
  servetwin calibrate -f manifests/ --allow-url http://prometheus:9090 -o corrections.yaml
  kubectl patch inferencesimulation chat-live --type merge --patch-file corrections.yaml`,
    )
    .action(async (options: CalibrateOptions) => {
      const runs = { ended: 0 };
      const fitted = await calibrateDeployment(options, () => {
        runs.ended += 1;
        if (process.stderr.isTTY) process.stderr.write(`\r${runs.ended} runs`);
      });
      if (process.stderr.isTTY) process.stderr.write("\r");
      const patch = calibrationPatch(fitted);
      if (options.output === undefined) {
        process.stdout.write(`${calibrationReport(fitted)}\n${patch}`);
        return;
      }
      try {
        writeFileSync(options.output, patch);
      } catch (error) {
        const fix = `is there a folder ${dirname(options.output)}?`;
        throw usageError(`${options.output} can't be written: ${(error as Error).message}`, fix);
      }
      process.stdout.write(`${calibrationReport(fitted)}\nwritten: ${options.output}\n`);
    });
};
