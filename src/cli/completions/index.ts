import { bash } from "./bash.ts";
import type { CommandTree } from "./command-tree.ts";
import { fish } from "./fish.ts";
import { zsh } from "./zsh.ts";

/** A script of completions per shell. */
export const shells: Readonly<Record<string, (tree: CommandTree) => string>> = { bash, zsh, fish };
