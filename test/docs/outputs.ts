import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../e2e/program.ts";

/**
 * Outputs shown in the docs are what the program prints. A marker stands before a fenced block:
 *
 *     <!-- output: servetwin crds | head 3 -->
 *
 * Its command is run from the repository's root; `| head N` and `| tail N` keep the first or last N lines, and say so.
 */
const MARKER = /(<!-- output: servetwin ([^|>]+?)(?: \| (head|tail) (\d+))? -->\n```text\n)([\s\S]*?)(```)/g;

const root = fileURLToPath(new URL("../../", import.meta.url));

export const documents = (): string[] => [
  "README.md",
  ...["docs", "docs/stories"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
];

/** The arguments of every command whose output is shown. */
export const shownCommands = (): readonly (readonly string[])[] =>
  documents().flatMap((document) =>
    [...readFileSync(join(root, document), "utf8").matchAll(MARKER)].map(([, , command = ""]) => argumentsOf(command)),
  );

const argumentsOf = (command: string): readonly string[] => command.trim().split(/\s+/);

const cut = (text: string, end: string, lines: number): string => {
  const all = text.trimEnd().split("\n");
  return end === "head" ? `${all.slice(0, lines).join("\n")}\n…\n` : `…\n${all.slice(-lines).join("\n")}\n`;
};

/** @returns the document as it should be: every marked block replaced by what its command prints now */
export const withOutputs = async (document: string): Promise<{ before: string; after: string; blocks: number }> => {
  const before = readFileSync(join(root, document), "utf8");
  let [after, at, blocks] = ["", 0, 0];
  for (const match of before.matchAll(MARKER)) {
    const [whole, head = "", command = "", end, lines, , foot = ""] = match;
    const { stdout, stderr, code } = await runProgram(argumentsOf(command), undefined, root);
    if (code !== 0 && code !== 1) throw new Error(`${document}: servetwin ${command} ended with ${code}: ${stderr}`);
    const shown = end === undefined ? stdout : cut(stdout, end, Number(lines));
    after += `${before.slice(at, match.index)}${head}${shown.replace(/\n*$/, "\n")}${foot}`;
    at = match.index + whole.length;
    blocks += 1;
  }
  return { before, after: after + before.slice(at), blocks };
};
