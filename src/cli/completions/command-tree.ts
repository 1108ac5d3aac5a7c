import type { Command, Option } from "commander";

/** What shells complete, as commander knows it. */
export interface CommandTree {
  /** What it is called by: the program itself and the kubectl plugin are the same. */
  readonly programs: readonly string[];
  readonly commands: readonly CommandWords[];
  /** Of the program itself. */
  readonly options: readonly OptionWords[];
}

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  readonly operand: Value;
}

export interface OptionWords {
  /** `-f` and `--filename`, or one of them. */
  readonly flags: readonly string[];
  readonly summary: string;
  /** What follows it. */
  readonly value: Value;
}

/** `files`: paths; `words`: one of these; `text`: something that no shell can know; `none`: nothing follows. */
export type Value =
  | { readonly kind: "files" | "text" | "none" }
  | { readonly kind: "words"; readonly words: readonly string[] };

const HELP: OptionWords = { flags: ["-h", "--help"], summary: "display help", value: { kind: "none" } };

/** @param program as `main.ts` has built it: nothing is listed here */
export const treeOf = (program: Command, programs: readonly string[]): CommandTree => {
  const visible = program.createHelp().visibleCommands(program);
  return {
    programs,
    options: [...program.options.map(optionWords), HELP],
    commands: program.commands
      .filter((command) => visible.includes(command))
      .map((command) => ({
        name: command.name(),
        summary: command.description(),
        options: [...command.options.filter(({ hidden }) => !hidden).map(optionWords), HELP],
        operand: operandOf(command),
      })),
  };
};

const optionWords = (option: Option): OptionWords => ({
  flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
  summary: option.description,
  value: option.required || option.optional ? valueOf(option.flags, option.argChoices) : { kind: "none" },
});

const operandOf = (command: Command): Value => {
  const [first] = command.registeredArguments;
  return first === undefined ? { kind: "none" } : valueOf(first.name(), first.argChoices);
};

/** By what commander calls a value: `<file>`, `<path>`, `[DIR]`. */
const valueOf = (name: string, choices: readonly string[] | undefined): Value => {
  if (choices !== undefined) return { kind: "words", words: choices };
  return { kind: /<(file|path)>|\bdir\b/i.test(name) || name === "--kubeconfig" ? "files" : "text" };
};
