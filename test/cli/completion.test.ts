import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "../../src/cli/command-line.ts";
import { treeOf } from "../../src/cli/completions/command-tree.ts";
import { shells } from "../../src/cli/completions/index.ts";

/** The scripts of `servetwin completion`, in a real bash as far as bash goes. */
const folder = mkdtempSync(join(tmpdir(), "servetwin-completion-"));
const program = await commandLine();
const script = (shell: string): string => shells[shell]?.(treeOf(program, ["servetwin", "kubectl-servetwin"])) ?? "";

/** As the help texts name them, which commander writes. */
const commands = [...program.helpInformation().matchAll(/^ {2}([a-z][a-z-]*) /gm)]
  .map((found) => found[1] as string)
  .filter((name) => name !== "help");
const optionsOf = (command: string): string[] => {
  const help = program.commands.find((one) => one.name() === command)?.helpInformation() ?? "";
  return [...help.matchAll(/^ {2}((?:-\w, )?--[a-z-]+)/gm)].flatMap((found) => (found[1] as string).split(", "));
};

beforeAll(() => {
  writeFileSync(join(folder, "servetwin.bash"), script("bash"));
  writeFileSync(join(folder, "a simulation.yaml"), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers with the cursor behind the last of the words. */
const offered = async (...words: readonly string[]): Promise<string[]> => {
  const asked = `source ./servetwin.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _servetwin; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)("bash", ["-c", asked, "bash", ...words], { cwd: folder });
  return stdout.split("\n").filter((line) => line !== "");
};

describe("completion in bash", () => {
  it("offers every command", async () => {
    expect(commands).toContain("run");
    expect((await offered("servetwin", "")).sort()).toEqual([...commands].sort());
    expect(await offered("servetwin", "expl")).toEqual(["explain"]);
    expect(await offered("kubectl-servetwin", "--ver")).toEqual(["--version"]);
  });

  it("offers every option of each command", async () => {
    for (const command of commands) {
      expect((await offered("servetwin", command, "-")).sort()).toEqual(optionsOf(command).sort());
    }
  });

  it("offers files where a file is wanted, with blanks in their names", async () => {
    expect(await offered("servetwin", "run", "-f", "a")).toEqual(["a simulation.yaml"]);
    expect(await offered("servetwin", "run", "--filename", "=", "a")).toEqual(["a simulation.yaml"]);
    expect(await offered("servetwin", "up", "serve")).toEqual(["servetwin.bash"]);
  });

  it("offers choices where there are some, and nothing where nobody can know", async () => {
    expect(await offered("servetwin", "completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await offered("servetwin", "up", "--context", "")).toEqual([]);
    expect(await offered("servetwin", "run", "")).toEqual([]);
  });
});

describe("completion in other shells", () => {
  it("names every command and option", () => {
    for (const command of commands) {
      expect(script("zsh")).toContain(`        ${command}) _arguments `);
      expect(script("fish")).toContain(`-a ${command} -d `);
      for (const flag of optionsOf(command).filter((flag) => flag.startsWith("--"))) {
        expect(script("zsh")).toContain(flag);
        expect(script("fish")).toContain(`-l ${flag.slice(2)} `);
      }
    }
  });
});
