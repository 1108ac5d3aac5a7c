import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findAdapterConfig } from "../../src/operator/adapter-config.ts";
import type { Store } from "../../src/store/store.ts";

const keys: Readonly<Record<string, string>> = {
  "config.yaml": "rules: []\n",
  "two.yaml": "rules: []\n---\nrules: []\n",
  "broken.yaml": "rules: [\n",
  "large.yaml": " ".repeat((1 << 20) + 1),
};
const store = {
  folder: fileURLToPath(new URL("../../deploy/examples/", import.meta.url)),
  configMapKey: (namespace: string, name: string, key: string) =>
    Promise.resolve(namespace === "ns" && name === "adapter" ? Buffer.from(keys[key] ?? "") : undefined),
} as unknown as Store;
const find = (said: object) => findAdapterConfig(said, "ns", store);
const inMap = (key: string, name = "adapter") => ({ configMap: { name, key } });
const FIELD = "spec.overrides.metrics.prometheusAdapter";

describe("spec.overrides.metrics.prometheusAdapter", () => {
  it("is found in a ConfigMap, below the folder, or in the simulation", async () => {
    const file = "ConfigMap adapter/config.yaml";
    expect(await find(inMap("config.yaml"))).toMatchObject({ value: { said: { rules: [] }, file } });
    const path = "quickstart/hpa.yaml";
    expect(await find({ path })).toMatchObject({ value: { said: { kind: "HorizontalPodAutoscaler" }, file: path } });
    expect(await find({ inline: '{"rules": []}' })).toEqual({ ok: true, value: { said: { rules: [] } }, warnings: [] });
  });

  it.each([
    [inMap("config.yaml", "other"), { field: `${FIELD}.configMap`, reason: "AdapterConfigNotFound" }],
    [{ path: "none.yaml" }, { field: `${FIELD}.path`, reason: "AdapterConfigNotFound" }],
    [{ path: "../../package.json" }, { field: `${FIELD}.path`, reason: "PathNotAllowed" }],
    [inMap("large.yaml"), { field: `${FIELD}.configMap`, reason: "AdapterConfigTooLarge" }],
    [inMap("two.yaml"), { file: "ConfigMap adapter/two.yaml", reason: "BadAdapterConfig" }],
    [inMap("none.yaml"), { file: "ConfigMap adapter/none.yaml", message: "it holds nothing" }],
    [{ inline: "rules: [" }, { field: `${FIELD}.inline`, reason: "BadAdapterConfig" }],
  ])("is refused: %j", async (said, problem) => {
    const found = await find(said);
    expect(found.ok ? [] : found.problems).toMatchObject([problem]);
  });
});
