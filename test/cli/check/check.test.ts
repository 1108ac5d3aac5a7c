import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CheckOptions, checkChange } from "../../../src/cli/check/check-change.ts";
import { BadInput } from "../../../src/cli/exit.ts";
import { json } from "../../../src/cli/formats/json.ts";
import { DEFAULT_LIMITS } from "../../../src/schema/limits.ts";
import { manifest, simulation, threeAtLeast } from "../preview/platform.ts";

/** A repository with two platforms of which a branch changes one. */
let root: string;
const git = (...args: readonly string[]): void => {
  execFileSync(
    "git",
    ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main", ...args],
    {
      cwd: root,
      stdio: "ignore",
    },
  );
};
const write = (file: string, text: string): void => writeFileSync(join(root, "deploy", file), text);
const TRACE = `TIMESTAMP,ContextTokens,GeneratedTokens\n${Array.from({ length: 30 }, (_, i) => `2023-11-16 18:00:${String(i).padStart(2, "0")}.0000000,300,20`).join("\n")}\n`;
const traced = simulation("", "1m").replace(/ {4}synthetic:.*/, "    trace: { format: azure-2023, path: trace.csv }");

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "servetwin-check-"));
  mkdirSync(join(root, "deploy"));
  write("hpa.yaml", manifest("hpa.yaml"));
  write("vllm.yaml", manifest("vllm-llama-8b.yaml"));
  write("other.yaml", manifest("vllm-llama-8b.yaml").replaceAll("vllm-llama-8b", "other"));
  write("trace.csv", TRACE);
  write("simulation.yaml", traced);
  write(
    "simulations.yaml",
    `${simulation("", "1m").replace("name: short", "name: idle").replace("name: vllm-llama-8b", "name: other")}\n---\n${simulation()
      .replace("name: short", "name: paced")
      .replace("spec:\n", "spec:\n  mode: Shadow\n")
      .replace(/ {2}run:.*\n/, "")}`,
  );
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "base");
  write("hpa.yaml", threeAtLeast());
});
afterAll(() => rmSync(root, { recursive: true }));

const options = (over: Partial<CheckOptions> = {}): CheckOptions => ({
  filename: [join(root, "deploy")],
  base: "HEAD",
  budget: 1,
  threads: 2,
  allowUrl: [],
  prometheusTokenFile: [],
  maxHorizon: DEFAULT_LIMITS.maxHorizonSeconds,
  maxRate: DEFAULT_LIMITS.maxRatePerSecond,
  maxRequests: DEFAULT_LIMITS.maxRequests,
  maxTraceBytes: DEFAULT_LIMITS.maxTraceBytes,
  ...over,
});

/** The command looks for the repository where it is run. */
const inside = async <T>(act: () => Promise<T>): Promise<T> => {
  const before = process.cwd();
  process.chdir(root);
  try {
    return await act();
  } finally {
    process.chdir(before);
  }
};
const refused = async (over: Partial<CheckOptions>): Promise<string> => {
  const problem = await inside(() => checkChange(options(over)).catch((error: unknown) => error));
  expect(problem).toBeInstanceOf(BadInput);
  return (problem as BadInput).message;
};

describe("servetwin check", () => {
  it("runs what a change concerns, says what it left out, and gives the same bytes from any checkout", async () => {
    const one = await inside(() => checkChange(options()));
    expect(one.answer.objects).toEqual(["HorizontalPodAutoscaler/inference/vllm-llama-8b"]);
    expect(one.answer.previews.map(({ name }) => name)).toEqual(["inference/short"]);
    expect(one.answer.previews[0]?.values.map(({ path }) => path)).toEqual(["autoscalers[vllm-llama-8b].minReplicas"]);
    expect(one.answer.leftOut).toEqual([
      { simulation: "inference/idle", why: "the change makes no difference to it" },
      { simulation: "inference/paced", why: "is a Shadow, which has no end" },
    ]);
    expect(one.answer.locate("HorizontalPodAutoscaler/inference/vllm-llama-8b", "spec.minReplicas")).toEqual({
      file: "deploy/hpa.yaml",
      line: threeAtLeast().split("\n").indexOf("  minReplicas: 3") + 1,
    });
    // One replication supports no verdict.
    expect(one.exitCode).toBe(3);
    utimesSync(join(root, "deploy", "trace.csv"), 1, 1);
    const again = await inside(() => checkChange(options({ threads: 1 })));
    expect(json.compare?.(again.answer)).toBe(json.compare?.(one.answer));
  });

  it("compares with a folder as well, and is content where nothing changes", async () => {
    const found = await checkChange(options({ base: join(root, "deploy") }));
    expect(found).toMatchObject({ exitCode: 0, answer: { objects: [], previews: [] } });
  });

  it("renders a kustomization by the tool, if there is one", async () => {
    const overlay = join(root, "overlay");
    mkdirSync(overlay, { recursive: true });
    writeFileSync(join(overlay, "kustomization.yaml"), "resources: [../deploy]\n");
    const [path, tools] = [process.env.PATH, join(root, "tools")];
    mkdirSync(tools, { recursive: true });
    try {
      process.env.PATH = tools;
      await expect(checkChange(options({ filename: [overlay], base: join(root, "deploy") }))).rejects.toThrow(
        /needs kubectl to be rendered.*install kubectl, or render it yourself/,
      );
      process.env.PATH = [tools, path].join(delimiter);
      const kustomize = join(tools, "kustomize");
      writeFileSync(kustomize, '#!/bin/sh\necho "no such patch" >&2\nexit 1\n');
      chmodSync(kustomize, 0o755);
      await expect(checkChange(options({ filename: [overlay], base: join(root, "deploy") }))).rejects.toThrow(
        /overlay: kustomize can't render it: no such patch; mend it until `kustomize build .*` succeeds/,
      );
      writeFileSync(
        kustomize,
        `#!/bin/sh\n[ "$1" = build ] && for f in ${join(root, "deploy")}/*.yaml; do cat "$f"; echo ---; done\n`,
      );
      writeFileSync(join(overlay, "trace.csv"), TRACE);
      const found = await checkChange(options({ filename: [overlay], base: join(root, "deploy") }));
      expect(found.answer.objects).toEqual([]);
    } finally {
      process.env.PATH = path;
    }
  });

  it.each([
    {
      name: "a commit that isn't there",
      over: { base: "nowhere" },
      says: /there is no commit nowhere in .*fetch it first/,
    },
    {
      name: "an option for a commit",
      over: { base: "--output=x" },
      says: /--output=x is neither a folder nor a commit's name/,
    },
  ])("refuses $name", async ({ over, says }) => expect(await refused(over)).toMatch(says));

  it("tells a base that can't be read from a head that can't", async () => {
    write("broken.yaml", "a: [\n");
    git("add", ".");
    git("commit", "-qm", "broken");
    rmSync(join(root, "deploy", "broken.yaml"));
    expect(await refused({})).toMatch(/deploy\/broken.yaml:\d+: of the base: this is no YAML/);
    write("broken.yaml", "a: [\n");
    expect(await refused({ base: "HEAD~1" })).toMatch(/deploy\/broken.yaml:\d+: this is no YAML/);
    rmSync(join(root, "deploy", "broken.yaml"));
  });

  it("refuses a change after which a platform can't be simulated", async () => {
    write("hpa.yaml", manifest("hpa.yaml").replace("minReplicas: 1", "minReplicas: 9"));
    expect(await refused({ base: "HEAD~1" })).toMatch(
      /HorizontalPodAutoscaler\/inference\/vllm-llama-8b: spec\.\w+Replicas/,
    );
  });
});
