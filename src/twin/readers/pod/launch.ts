import type { Field } from "../../field.ts";
import type { Environment } from "./environment.ts";
import { commandsOf } from "./shell.ts";
import { Word } from "./word.ts";

/** How a container starts vLLM: the words after `vllm serve`, or after the module's name. */
export interface Launch {
  readonly words: readonly Word[];
  /** Whether the first word may be the model, as after `vllm serve`. */
  readonly byEntrypoint: boolean;
  /** How many further launches the container's script holds. */
  readonly others: number;
}

/** Modules that `python -m` starts the server by. */
const MODULES = ["vllm.entrypoints.openai.api_server", "vllm.entrypoints.cli.main"];
const SHELLS = ["sh", "bash", "dash", "ash", "zsh", "busybox"];
const MAX_DEPTH = 4;

/** What is looked for, for those who have to be told that it isn't there. */
export const LOOKED_FOR =
  "`vllm serve` or `-m vllm.entrypoints.openai.api_server` in command and args, or an image named vllm-openai";

/** @returns undefined if the container does not run vLLM's server, as far as its fields say */
export const launchOf = (container: Field, environment: Environment): Launch | undefined => {
  const command = wordsOf(container.at("command"), environment);
  const args = wordsOf(container.at("args"), environment);
  const [first, ...others] = launchesIn([...command, ...args], environment, 0);
  if (first !== undefined) return { words: first, byEntrypoint: false, others: others.length };
  // The images of the vLLM project start the server themselves: args are its flags.
  if (command.length > 0 || !startsServer(container.at("image").text()?.value ?? "")) return undefined;
  return { words: args, byEntrypoint: true, others: 0 };
};

/** An argument of the wrong type is told by its field; here it still counts as a word. */
const wordsOf = (list: Field, environment: Environment): readonly Word[] =>
  list.items().map((item) => environment.expand(Word.of(item.text()?.value ?? String(item.raw), item.path)));

/** Last part of the image's name without tag: `vllm/vllm-openai:v0.11.0` is `vllm-openai`. */
const startsServer = (image: string): boolean => /(^|\/)vllm-openai([-_.][^/:@]*)?([:@]|$)/.test(image);

const launchesIn = (words: readonly Word[], environment: Environment, depth: number): readonly (readonly Word[])[] => {
  const direct = serverWords(words);
  if (direct !== undefined) return [direct];
  const script = scriptOf(words);
  if (script === undefined || depth >= MAX_DEPTH) return [];
  return commandsOf(script.word, environment, script.positional).flatMap((command) =>
    launchesIn(command, environment, depth + 1),
  );
};

const serverWords = (words: readonly Word[]): readonly Word[] | undefined => {
  for (const [i, word] of words.entries()) {
    const next = words[i + 1]?.text ?? "";
    if (lastPart(word.text) === "vllm" && next === "serve") return words.slice(i + 2);
    if (word.text === "-m" && MODULES.includes(next)) {
      return words.slice(words[i + 2]?.text === "serve" ? i + 3 : i + 2);
    }
    if (/(^|\/)vllm\/entrypoints\/openai\/api_server\.py$/.test(word.text)) return words.slice(i + 1);
  }
  return undefined;
};

/** `bash -o pipefail -lc SCRIPT NAME ARG...`: the first word after the script is its name, `$0`. */
const scriptOf = (words: readonly Word[]): { word: Word; positional: readonly Word[] } | undefined => {
  const shell = words.findIndex(({ text }) => SHELLS.includes(lastPart(text)));
  if (shell < 0) return undefined;
  let at = shell + 1;
  let isScript = false;
  for (; /^[-+]/.test(words[at]?.text ?? ""); at += 1) {
    const option = (words[at] as Word).text;
    if (/^-[a-z]*c[a-z]*$/i.test(option)) isScript = true;
    if (/^[-+][a-z]*o$/i.test(option)) at += 1;
  }
  const word = words[at];
  return isScript && word !== undefined ? { word, positional: words.slice(at + 2) } : undefined;
};

const lastPart = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
