import { describe, expect, it } from "vitest";
import { knownPluginTypes } from "../../src/dataplane/known-plugins.ts";
import { gatewayDocs, sourceOf } from "../../src/twin/gateway-docs.ts";
import { HARMLESS, UNMODELLED } from "../../src/twin/mirror/unmodelled-plugins.ts";
import { PLUGIN_TYPES } from "../../src/twin/readers/endpoint-picker/plugin-types.ts";

const [choices = "", rest = ""] = gatewayDocs().split("## Not modelled");
const firstCells = (text: string): readonly string[] =>
  [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) => name);

describe("docs/gateway.md", () => {
  it("has every plugin type of the endpoint picker in one place: simulated, or not, or needless", () => {
    const simulated = new Set(firstCells(choices));
    const others = firstCells(rest);
    expect(new Set(others).size).toBe(others.length);
    expect(others.filter((type) => simulated.has(type))).toEqual([]);
    const missing = Object.keys(PLUGIN_TYPES).filter((type) => !simulated.has(type) && !others.includes(type));
    expect(missing.filter((type) => !type.endsWith("-parser"))).toEqual([]);
    expect(UNMODELLED.length + HARMLESS.length).toBe(others.length);
  });

  it("gives every choice a line of its own words and a source", () => {
    const lines = choices.split("\n").filter((line) => line.startsWith("| `") && line.split(" | ").length === 4);
    expect(lines.length).toBeGreaterThan(60);
    for (const line of lines)
      expect(line).toMatch(/^\| `[^`]+` \| \S.* \|.*\| \S.*(2026|v1\.\d+|inference-sim has it|production-stack) \|$/);
  });
});

describe("the list of plugin types", () => {
  it("knows each that the data plane knows by llm-d's name", () => {
    const strangers = knownPluginTypes.filter((type) => !Object.hasOwn(PLUGIN_TYPES, type));
    // BLIS's own, and vLLM's.
    expect(strangers).toEqual(["load-balance", "lora-affinity", "precise-prefix-cache", "vllm-dp"]);
    for (const type of strangers) expect(sourceOf(type)).toMatch(/inference-sim/);
  });
});

it.each([
  ["production-stack-kvaware", /production-stack/],
  ["sglang-cache-aware", /sgl-model-gateway/],
  ["dynamo-kv", /Dynamo/],
  ["service", /kube-proxy/],
  ["queue-scorer", /llm-d-router/],
  ["least-loaded", /BLIS/],
])("%s is said to come from where it does", (name, source) => expect(sourceOf(name)).toMatch(source));
