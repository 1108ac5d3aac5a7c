import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { shownCommands } from "./docs/outputs.ts";

/**
 * Nothing in deploy/ is there to be looked at only: a test applies or executes each file. A file counts as used if a test
 * names it, or names its folder as an argument of the program; so does the command of an output that the docs show, which
 * `docs/outputs.long.test.ts` runs.
 */
const root = fileURLToPath(new URL("../", import.meta.url));
const walk = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
const self = fileURLToPath(import.meta.url);
const tests = walk(join(root, "test"))
  .filter((path) => path.endsWith(".test.ts") && path !== self)
  .map((path) => readFileSync(path, "utf8"));
const files = walk(join(root, "deploy"))
  .map((path) => relative(root, path))
  .filter((path) => !path.endsWith(".md"));
const shown = new Set(shownCommands().flat());

describe("deploy/", () => {
  it("was found", () => expect(files.length).toBeGreaterThan(3));

  it.each(files)("%s is applied or executed by a test", (file) => {
    const folder = file.slice(0, file.lastIndexOf("/"));
    const used = shown.has(file) || shown.has(folder);
    expect(used || tests.some((text) => text.includes(file) || text.includes(`"${folder}"`))).toBe(true);
  });
});
