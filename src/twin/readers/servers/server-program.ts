import type { Known } from "../../../model/known.ts";
import type { ServerArguments } from "../flags/server-arguments.ts";
import type { Word } from "../pod/word.ts";

/** A file of the container, or why it isn't known. */
export type FileFound = { readonly text: string } | { readonly unknown: string };

/** Looks at files of a container by their paths. */
export type Files = (path: string) => FileFound;

/** How a container starts a model server: the words after its command, which are its flags. */
export interface Launch {
  readonly words: readonly Word[];
  /** Whether the image starts the server by itself, args being its flags. */
  readonly byEntrypoint: boolean;
  /** How many further launches the container's script holds. */
  readonly others: number;
}

export interface LaunchOptions {
  /** Files of the container; left out: none are known. */
  readonly files?: Files;
  /** Whether the engine is known to span pods, as a group's does. */
  readonly spansPods: boolean;
  /** Of vLLM, where the image tells it. */
  readonly version?: Known<string> | undefined;
}

/** A program that serves a model over HTTP, by the command that starts it. */
export interface ServerProgram {
  /** The command, for those who have to be told that it isn't there. */
  readonly lookedFor: string;
  /** Images that start it by themselves. */
  readonly image?: RegExp;
  /** @returns the words behind the command; undefined if these words don't start it */
  after(words: readonly Word[]): readonly Word[] | undefined;
  /** @param object `Kind/namespace/name`, that the fields are of */
  read(launch: Launch, object: string, options: LaunchOptions): ServerArguments;
}

/** Words behind `python -m MODULE`, or behind an executable of one of these names, with the word that has to follow it. */
export const wordsBehind = (
  words: readonly Word[],
  { modules = [], commands = [] }: { readonly modules?: readonly string[]; readonly commands?: readonly string[] },
): readonly Word[] | undefined => {
  for (const [i, word] of words.entries()) {
    const next = words[i + 1]?.text ?? "";
    if (word.text === "-m" && modules.includes(next)) return words.slice(i + 2);
    const spoken = lastPart(word.text);
    if (commands.includes(`${spoken} ${next}`)) return words.slice(i + 2);
    if (commands.includes(spoken)) return words.slice(i + 1);
  }
  return undefined;
};

const lastPart = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
