import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../e2e/program.ts";

/**
 * Outputs shown in the docs are what the program prints. A marker stands before a fenced block:
 *
 *     <!-- output: servetwin crds | head 3 -->
 *
 * Its command is run from the repository's root; `| head N` keeps the first N lines, and says so.
 */
const MARKER = /(<!-- output: servetwin ([^|>]+?)(?: \| head (\d+))? -->\n```text\n)([\s\S]*?)(```)/g;

const root = fileURLToPath(new URL("../../", import.meta.url));

export const documents = (): string[] => [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** @returns the document as it should be: every marked block replaced by what its command prints now */
export const withOutputs = async (document: string): Promise<{ before: string; after: string; blocks: number }> => {
  const before = readFileSync(join(root, document), "utf8");
  let [after, at, blocks] = ["", 0, 0];
  for (const match of before.matchAll(MARKER)) {
    const [whole, head = "", command = "", lines, , foot = ""] = match;
    const { stdout, stderr, code } = await runProgram(command.trim().split(/\s+/), undefined, root);
    if (code !== 0 && code !== 1) throw new Error(`${document}: servetwin ${command} ended with ${code}: ${stderr}`);
    const shown = lines === undefined ? stdout : `${stdout.split("\n").slice(0, Number(lines)).join("\n")}\n…\n`;
    after += `${before.slice(at, match.index)}${head}${shown.replace(/\n*$/, "\n")}${foot}`;
    at = match.index + whole.length;
    blocks += 1;
  }
  return { before, after: after + before.slice(at), blocks };
};
