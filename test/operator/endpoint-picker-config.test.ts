import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findPickerConfig } from "../../src/operator/endpoint-picker-config.ts";
import { read } from "../../src/operator/read.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { manifestStore } from "../../src/store/manifests.ts";
import type { Store, StoredObject } from "../../src/store/store.ts";
import type { Scenario } from "../../src/twin/scenario.ts";

const folder = fileURLToPath(new URL("../../deploy/examples/llm-d-epp/", import.meta.url));
const files = readdirSync(folder).map((file) => ({ file, text: readFileSync(`${folder}${file}`, "utf8") }));

const wanted = {
  namespace: "serving",
  name: "epp",
  key: "plugins.yaml",
  object: "Deployment/serving/epp",
  field: "spec.template.spec.containers[0].args[5]",
};
const noObjects = { get: () => undefined, list: () => [] };
const holding = (bytes: Uint8Array | undefined): Store => ({ configMapKey: async () => bytes }) as unknown as Store;

describe("an endpoint picker's configuration", () => {
  it("is a key of its ConfigMap", async () => {
    expect(await findPickerConfig(wanted, noObjects, holding(Buffer.from("plugins: []")))).toMatchObject({
      value: "plugins: []",
    });
  });

  it.each([
    { name: "no such key", bytes: undefined, reason: "PickerConfigNotFound" },
    { name: "a large one", bytes: Buffer.alloc((1 << 20) + 1, "#"), reason: "PickerConfigTooLarge" },
  ])("can't be had: $name", async ({ bytes, reason }) => {
    const found = await findPickerConfig(wanted, noObjects, holding(bytes));
    const { object, field } = wanted;
    expect(found.ok ? [] : found.problems).toMatchObject([{ reason, object, field }]);
  });

  it("is the candidate's where one changes it", async () => {
    const store = manifestStore(files, folder);
    const [simulation] = store.list("InferenceSimulation");
    const configMap = store.list("ConfigMap")[0]?.object as unknown as { data: Record<string, string> };
    const text = configMap.data["plugins.yaml"]?.replace("queueDepthThreshold: 8", "queueDepthThreshold: 3");
    const patches = [{ target: { kind: "ConfigMap" }, merge: { data: { "plugins.yaml": text } } }];
    const spec = { ...(simulation?.object.spec as object), candidates: [{ name: "shallow", patches }] };
    const changed = { ...simulation, object: { ...simulation?.object, spec } } as StoredObject;
    const found = await read(changed, { store, limits: DEFAULT_LIMITS, allowedUrls: [] });
    const depth = (scenario: Scenario | undefined) =>
      scenario?.gateway.kind === "epp" && scenario.gateway.gate.saturationDetector;
    expect(found.ok && depth(found.value.scenario)).toMatchObject({ queueDepthThreshold: 8 });
    expect(found.ok && depth(found.value.candidates[0]?.scenario)).toMatchObject({ queueDepthThreshold: 3 });
  });

  it("is fetched when a simulation is read", async () => {
    const store = manifestStore(files, folder);
    const [simulation] = store.list("InferenceSimulation");
    if (simulation === undefined) throw new Error("the example has lost its simulation");
    const found = await read(simulation, { store, limits: DEFAULT_LIMITS, allowedUrls: [] });
    expect(found.ok && found.value.scenario.gateway).toMatchObject({ kind: "epp", gate: { flowControl: {} } });
    const without = manifestStore(
      files.map(({ file, text }) => ({ file, text: text.replace("plugins.yaml: |", "other.yaml: |") })),
    );
    const missing = await read(simulation, { store: without, limits: DEFAULT_LIMITS, allowedUrls: [] });
    expect(missing.ok ? [] : missing.problems).toMatchObject([
      { reason: "PickerConfigNotFound", object: "Deployment/serving/qwen3-14b-epp", field: wanted.field },
    ]);
  });
});
