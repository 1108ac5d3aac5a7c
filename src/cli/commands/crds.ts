import type { Command } from "commander";
import { crdYaml } from "../../schema/crd.ts";

export const crds = (program: Command): void => {
  program
    .command("crds")
    .description("print the CustomResourceDefinitions")
    .addHelpText("after", "\nExample:\n  servetwin crds | kubectl apply -f -\n")
    .action(() => {
      process.stdout.write(crdYaml());
    });
};
