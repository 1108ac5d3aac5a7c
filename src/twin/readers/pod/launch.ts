import type { Field } from "../../field.ts";
import { serverPrograms } from "../servers/index.ts";
import type { Launch, ServerProgram } from "../servers/server-program.ts";
import type { Environment } from "./environment.ts";
import { commandsOf } from "./shell.ts";
import { Word } from "./word.ts";

/** A program, and how a container starts it. */
export interface FoundLaunch {
  readonly program: ServerProgram;
  readonly launch: Launch;
}

const SHELLS = ["sh", "bash", "dash", "ash", "zsh", "busybox"];
const MAX_DEPTH = 4;
/** Of scripts in scripts together: those that call each other many times are read no further. */
const MOST_COMMANDS = 500;

/** What is looked for, for those who have to be told that it isn't there. */
export const LOOKED_FOR = `${serverPrograms.map(({ lookedFor }) => lookedFor).join(", ")} in command and args, or an image named vllm-openai or huggingfaceserver`;

/** @returns undefined if the container runs no server that is known, as far as its fields say */
export const launchOf = (container: Field, environment: Environment): FoundLaunch | undefined => {
  const command = wordsOf(container.at("command"), environment);
  const args = wordsOf(container.at("args"), environment);
  const [first, ...others] = launchesIn([...command, ...args], environment, { commands: MOST_COMMANDS }, 0);
  if (first !== undefined) {
    return { program: first.program, launch: { words: first.words, byEntrypoint: false, others: others.length } };
  }
  const image = container.at("image").text()?.value ?? "";
  const program = serverPrograms.find((one) => one.image?.test(image) === true);
  if (command.length > 0 || program === undefined) return undefined;
  return { program, launch: { words: args, byEntrypoint: true, others: 0 } };
};

/** An argument of the wrong type is told by its field; here it still counts as a word. */
const wordsOf = (list: Field, environment: Environment): readonly Word[] =>
  list.items().map((item) => environment.expand(Word.of(item.text()?.value ?? String(item.raw), item.path)));

interface Found {
  readonly program: ServerProgram;
  readonly words: readonly Word[];
}

const launchesIn = (
  words: readonly Word[],
  environment: Environment,
  left: { commands: number },
  depth: number,
): readonly Found[] => {
  left.commands -= 1;
  if (left.commands < 0) return [];
  for (const program of serverPrograms) {
    const behind = program.after(words);
    if (behind !== undefined) return [{ program, words: behind }];
  }
  const script = scriptOf(words);
  if (script === undefined || depth >= MAX_DEPTH) return [];
  return commandsOf(script.word, environment, script.positional).flatMap((command) =>
    launchesIn(command, environment, left, depth + 1),
  );
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
