import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { collect } from "../collect.ts";
import { positive, withLimitOptions } from "../limit-options.ts";
import { withOperatorOptions } from "../operator-options.ts";
import type { ServeOptions } from "../serve.ts";
import { withUrlOptions } from "../url-options.ts";

export const up = (program: Command): void => {
  const command = program
    .command("up")
    .argument("[DIR]", "a folder of manifests; left out: the cluster of --kubeconfig, or the one this runs in")
    .description("run the operator: previews and shadows, with metrics, API and page")
    .option("--kubeconfig <file>", "the cluster to watch")
    .option("--context <name>", "of the kubeconfig")
    .option("-n, --namespace <name>", "watch only this namespace; may be repeated", collect, [])
    .option("--lease-namespace <name>", "where the Lease of the leader is", "servetwin-system")
    .option("--listen <address>", "where metrics, API and page are served", "127.0.0.1:8080")
    .option("--threads <count>", "worker threads for previews", positive, Math.max(1, availableParallelism() - 1));
  withUrlOptions(withLimitOptions(withOperatorOptions(command)))
    .addHelpText(
      "after",
      `
Examples:
  servetwin up deploy/examples/quickstart
  servetwin up --kubeconfig ~/.kube/config --namespace inference
  servetwin up ./manifests --listen 0.0.0.0:9090 --max-horizon 90d`,
    )
    // Loaded when asked for: the Kubernetes client and the HTTP server take longer than most other commands.
    .action(async (folder: string | undefined, options: ServeOptions) => {
      const { serve } = await import("../serve.ts");
      return serve(folder, options);
    });
};
