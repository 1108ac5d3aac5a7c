import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { formatNamed, formatNames } from "../choose-format.ts";
import { collect } from "../collect.ts";
import { positive, positiveWhole, withLimitOptions } from "../limit-options.ts";
import type { PreviewCommandOptions } from "../preview/options.ts";
import { withUrlOptions } from "../url-options.ts";

/** Replications of each side: a slowdown of 10 % is then found where pairs of replications differ by 7 % (docs/preview.md). */
export const DEFAULT_BUDGET = 16;

export const preview = (program: Command): void => {
  const command = program
    .command("preview")
    .description("what a change would do: today's platform and the changed one, side by side under the same traffic")
    .option(
      "-f, --filename <path>",
      "manifests that change, as for kubectl apply: a file, a folder or - for standard input; may be repeated",
      collect,
      [],
    )
    .option("--candidate <name>", "a candidate of the InferenceSimulation is the change, in place of manifests")
    .option("--manifests <path>", "the platform as it is: a folder or a file of manifests, instead of a cluster")
    .option("--kubeconfig <file>", "the cluster as it is; left out: your own kubeconfig")
    .option("--context <name>", "of the kubeconfig")
    .option("--simulation <name>", "only this InferenceSimulation")
    .option("--trace <file>", "the traffic, in place of an InferenceSimulation's")
    .option("--trace-format <format>", "what the trace is written in", "azure-2023")
    .option("--prometheus <url>", "the traffic as production's metrics tell it, in place of an InferenceSimulation's")
    .option("--last <duration>", "how much of its past", "24h")
    .option("--rate-scale <factor>", "so many times that traffic", positive)
    .option("--gpu <type>", "the GPU, where nothing tells it, such as H100")
    .option("--horizon <duration>", "simulated length, in place of the InferenceSimulation's; of none: 6h, or --last")
    .option(
      "--objective <text>",
      'what the change has to meet, in place of the InferenceSimulation\'s: "ttft p99 <= 800ms"; may be repeated',
      collect,
      [],
    )
    .option("--budget <count>", "most replications of each side", positiveWhole, DEFAULT_BUDGET)
    .option("--timeout <seconds>", "give up after so long, with exit code 3", positive)
    .option("--threads <count>", "worker threads", positiveWhole, availableParallelism())
    .option("-o, --output <format>", `one of ${formatNames("compare")}`, "table");
  withUrlOptions(withLimitOptions(command))
    .addHelpText(
      "after",
      `
Examples:
  servetwin preview -f hpa.yaml                                        against the cluster of your kubeconfig
  servetwin preview -f hpa.yaml --manifests deploy/examples/quickstart
  servetwin preview -f hpa.yaml --prometheus http://localhost:9090 --last 24h
  servetwin preview -f hpa.yaml --trace requests.csv --objective "ttft p99 <= 1s"
  servetwin preview -f hpa.yaml --manifests overlays/prod -o html > preview.html
  servetwin preview --simulation inference/chat --candidate target-60

Exit codes: 0 the objectives are met with the change (where none is said: the service is no worse), 1 they are not,
2 bad input, 3 inconclusive, or --timeout.`,
    )
    .action(async (options: PreviewCommandOptions) => {
      const print = formatNamed(options.output, "compare");
      // The other thread of the first pair loads while this one reads manifests.
      const { commandPool } = await import("../command-pool.ts");
      const pool = commandPool(options.threads, { early: true });
      const { previewChange } = await import("../preview/preview-change.ts");
      const { answer, exitCode } = await previewChange(options, pool);
      if (answer !== undefined) process.stdout.write(print(answer));
      process.exitCode = exitCode;
    });
};
