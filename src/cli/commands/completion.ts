import { Argument, type Command } from "commander";
import { treeOf } from "../completions/command-tree.ts";
import { shells } from "../completions/index.ts";

/** As package.json installs it. */
const PROGRAMS = ["servetwin", "kubectl-servetwin"];

export const completion = (program: Command): void => {
  program
    .command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "which one").choices(Object.keys(shells)))
    .addHelpText(
      "after",
      `
Examples:
  source <(servetwin completion bash)
  servetwin completion zsh > "\${fpath[1]}/_servetwin"
  servetwin completion fish > ~/.config/fish/completions/servetwin.fish`,
    )
    .action((shell: string) => {
      process.stdout.write(shells[shell]?.(treeOf(program, PROGRAMS)) ?? "");
    });
};
