import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUNDLE } from "../e2e/program.ts";
import { binaries } from "../env/build.ts";
import { temporaryDirectory } from "../env/daemon.ts";

/** `kubectl servetwin …`, by the real kubectl, from a folder on the PATH as npm and krew put it there. */
const files = temporaryDirectory("plugin");
let kubectl: string;
beforeAll(async () => {
  ({ kubectl } = await binaries({ needed: ["kubectl"] }));
});
afterAll(() => files.remove());

const run = async (
  path: string,
  ...args: readonly string[]
): Promise<{ stdout: string; stderr: string; code: number }> => {
  const env = { HOME: files.path, PATH: `${path}:${dirname(process.execPath)}:/usr/bin:/bin` };
  return promisify(execFile)(kubectl, [...args], { env, cwd: new URL("../../", import.meta.url) }).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
};

describe("kubectl servetwin", () => {
  it("is the program, as npm links it", async () => {
    const bin = join(files.path, "bin");
    mkdirSync(bin);
    const { bin: names } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      bin: Record<string, string>;
    };
    expect(Object.keys(names)).toContain("kubectl-servetwin");
    symlinkSync(BUNDLE, join(bin, "kubectl-servetwin"));
    expect((await run(bin, "plugin", "list", "--name-only")).stdout).toContain("kubectl-servetwin");
    const explained = await run(
      bin,
      "servetwin",
      "explain",
      "-f",
      "deploy/examples/quickstart",
      "--simulation",
      "chat-preview",
    );
    expect(explained).toMatchObject({ code: 0 });
    expect(explained.stdout).toContain("meta-llama/Llama-3.1-8B-Instruct");
    expect(await run(bin, "servetwin", "explain", "-f", "nowhere.yaml")).toMatchObject({ code: 2 });
  });

  it("is what krew's manifest installs", async () => {
    const manifest = load(readFileSync(new URL("../../deploy/krew/servetwin.yaml", import.meta.url), "utf8")) as {
      apiVersion: string;
      metadata: { name: string };
      spec: { version: string; platforms: { bin: string; files: { from: string; to: string }[] }[] };
    };
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(manifest).toMatchObject({
      apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
      metadata: { name: "servetwin" },
    });
    expect(manifest.spec.version).toBe(`v${version}`);
    const [platform] = manifest.spec.platforms as [(typeof manifest.spec.platforms)[number]];
    // krew unpacks the archive, moves files as it is told, and links kubectl-NAME to `bin`.
    const [bin, receipt] = [join(files.path, "krew"), join(files.path, "store")];
    mkdirSync(bin);
    symlinkSync(dirname(dirname(BUNDLE)), join(files.path, "package"));
    for (const { from, to } of platform.files) {
      const source = join(files.path, from.replace("/*", ""));
      if (to === ".") symlinkSync(source, receipt);
    }
    expect(platform.bin).toBe("dist/servetwin.js");
    symlinkSync(join(receipt, platform.bin), join(bin, "kubectl-servetwin"));
    expect((await run(bin, "servetwin", "--version")).stdout.trim()).toBe(version);
  });
});
