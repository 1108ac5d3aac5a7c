import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findModelConfig } from "../../src/operator/model-config.ts";
import type { Store } from "../../src/store/store.ts";

const root = mkdtempSync(join(tmpdir(), "servetwin-config-"));
const folder = join(root, "specs");
const TEXT = '{"hidden_size": 4096}';

beforeAll(() => {
  mkdirSync(join(folder, "models"), { recursive: true });
  writeFileSync(join(folder, "models", "config.json"), TEXT);
  writeFileSync(join(folder, "large.json"), " ".repeat((1 << 20) + 1));
  writeFileSync(join(root, "secret.json"), TEXT);
  symlinkSync(join(root, "secret.json"), join(folder, "link.json"));
});
afterAll(() => rmSync(root, { recursive: true }));

const maps = new Map([["ns/models/llama", TEXT]]);
const store = (inFolder: boolean): Store =>
  ({
    folder: inFolder ? folder : undefined,
    configMapKey: async (namespace: string, name: string, key: string) => {
      const text = maps.get(`${namespace}/${name}/${key}`);
      return text === undefined ? undefined : Buffer.from(text);
    },
  }) as unknown as Store;

describe("spec.overrides.model.config", () => {
  it("is a file below the folder", async () => {
    expect(await findModelConfig({ path: "models/config.json" }, "ns", store(true))).toMatchObject({ value: TEXT });
  });

  it("is a key of a ConfigMap", async () => {
    const said = { configMap: { name: "models", key: "llama" } };
    expect(await findModelConfig(said, "ns", store(false))).toMatchObject({ value: TEXT });
  });

  it.each([
    { name: "a path on a cluster", said: { path: "models/config.json" }, cluster: true, reason: "PathNotAllowed" },
    { name: "a path that climbs", said: { path: "../secret.json" }, reason: "PathNotAllowed" },
    { name: "an absolute path", said: { path: join(folder, "models/config.json") }, reason: "PathNotAllowed" },
    { name: "a link that leads out", said: { path: "link.json" }, reason: "PathNotAllowed" },
    { name: "a folder", said: { path: "models" }, reason: "ConfigNotFound" },
    { name: "no file", said: { path: "nothing.json" }, reason: "ConfigNotFound" },
    { name: "a large file", said: { path: "large.json" }, reason: "ConfigTooLarge" },
    { name: "no ConfigMap", said: { configMap: { name: "models", key: "other" } }, reason: "ConfigNotFound" },
  ])("can't be $name", async ({ said, cluster = false, reason }) => {
    const found = await findModelConfig(said, "ns", store(!cluster));
    expect(found.ok ? [] : found.problems.map((problem) => problem.reason)).toEqual([reason]);
  });
});
