import type { CommandTree, CommandWords, OptionWords, Value } from "./command-tree.ts";

/** A script for bash 3.2 and newer (macOS has no other). Words are put in as they are: none of them has a blank. */
export const bash = ({ programs, commands, options }: CommandTree): string => `_servetwin() {
  local IFS=$'\\n' current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      ${commands.map(({ name }) => name).join("|")}) command="$word"; break ;;
    esac
  done
  # "--output=json" comes as three words.
  if [ "$current" = "=" ]; then current=""; elif [ "$previous" = "=" ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  COMPREPLY=()
  case "$command $previous" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$command $current" in
${commands.map(wordCases).join("\n")}
    " -"*) COMPREPLY=($(compgen -W "${lines(options.flatMap(({ flags }) => flags))}" -- "$current")) ;;
    " "*) COMPREPLY=($(compgen -W "${lines(commands.map(({ name }) => name))}" -- "$current")) ;;
  esac
}
complete -o filenames -F _servetwin ${programs.join(" ")}
`;

/** compgen splits its words as the shell does: here at line ends. */
const lines = (words: readonly string[]): string => words.join("\n");

const valueCases = ({ name, options }: CommandWords): string[] =>
  options
    .filter(({ value }) => value.kind !== "none")
    .map(({ flags, value }: OptionWords) => {
      const patterns = flags.map((flag) => `"${name} ${flag}"`).join("|");
      return `    ${patterns}) ${offer(value)}return ;;`;
    });

const wordCases = ({ name, options, operand }: CommandWords): string =>
  [
    `    "${name} -"*) COMPREPLY=($(compgen -W "${lines(options.flatMap(({ flags }) => flags))}" -- "$current")) ;;`,
    ...(operand.kind === "none" || operand.kind === "text" ? [] : [`    "${name} "*) ${offer(operand)};;`]),
  ].join("\n");

const offer = (value: Value): string => {
  switch (value.kind) {
    case "files":
      return `COMPREPLY=($(compgen -f -- "$current")); `;
    case "words":
      return `COMPREPLY=($(compgen -W "${lines(value.words)}" -- "$current")); `;
    default:
      return "";
  }
};
