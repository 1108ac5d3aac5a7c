import type { CommandTree, OptionWords, Value } from "./command-tree.ts";

/** Rules for fish, one per command and option. */
export const fish = ({ programs, commands, options }: CommandTree): string =>
  `${programs
    .flatMap((program) => [
      `complete -c ${program} -f`,
      ...options.map((option) => rule(program, "__fish_use_subcommand", option)),
      ...commands.flatMap(({ name, summary, options, operand }) => {
        const seen = `__fish_seen_subcommand_from ${name}`;
        return [
          `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
          ...options.map((option) => rule(program, seen, option)),
          ...(operand.kind === "files" ? [`complete -c ${program} -n ${quoted(seen)} -F`] : []),
          ...(operand.kind === "words" ? [`complete -c ${program} -n ${quoted(seen)}${takes(operand)}`] : []),
        ];
      }),
    ])
    .join("\n")}\n`;

const rule = (program: string, when: string, { flags, summary, value }: OptionWords): string => {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return `complete -c ${program} -n ${quoted(when)} ${names.join(" ")}${takes(value)} -d ${quoted(summary)}`;
};

const takes = (value: Value): string => {
  switch (value.kind) {
    case "none":
      return "";
    case "files":
      return " -r -F";
    case "words":
      return ` -x -a ${quoted(value.words.join(" "))}`;
    default:
      return " -x";
  }
};

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
