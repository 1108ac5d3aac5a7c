import type { CommandTree, OptionWords, Value } from "./command-tree.ts";

/** A function for zsh's completion system: a file `_servetwin` on its `fpath`, or sourced after `compinit`. */
export const zsh = ({ programs, commands, options }: CommandTree): string => `#compdef ${programs.join(" ")}
_servetwin() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`).join("\n")}
  )
  _arguments -C ${options.flatMap(specs).map(quoted).join(" ")} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${commands
  .map(({ name, options, operand }) => {
    const all = [...options.flatMap(specs), ...(operand.kind === "none" ? [] : [`*:${name}:${action(operand)}`])];
    return `        ${name}) _arguments ${all.map(quoted).join(" ")} ;;`;
  })
  .join("\n")}
      esac ;;
  esac
}
if [ "$funcstack[1]" = _servetwin ]; then _servetwin "$@"; else compdef _servetwin ${programs.join(" ")}; fi
`;

/** One per flag: `*--flag=[summary]:value:action`, as often as one likes. */
const specs = ({ flags, summary, value }: OptionWords): string[] =>
  flags.map((flag) => {
    const text = `[${summary.replace(/[[\]\\:]/g, "\\$&")}]`;
    if (value.kind === "none") return `${flag}${text}`;
    return `*${flag}${flag.startsWith("--") ? "=" : "+"}${text}:value:${action(value)}`;
  });

const action = (value: Value): string => {
  switch (value.kind) {
    case "files":
      return "_files";
    case "words":
      return `(${value.words.join(" ")})`;
    default:
      return " ";
  }
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
