import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../src/operator/profile-source.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import type { Store } from "../../src/store/store.ts";
import { Quickstart } from "../twin/quickstart.ts";

const keys: Readonly<Record<string, string>> = {
  "good.yaml": "aggregate_rate: 1\n",
  "two.yaml": "a: 1\n---\nb: 2\n",
  "broken.yaml": "a: 1\nb: [\n",
  "empty.yaml": "",
};
const store = {
  folder: fileURLToPath(new URL("../../deploy/examples/profiles/", import.meta.url)),
  configMapKey: (_namespace: string, name: string, key: string) =>
    Promise.resolve(name === "profiles" && key in keys ? new TextEncoder().encode(keys[key]) : undefined),
} as unknown as Store;
const format = "blis-v2" as const;
const find = (said: object) => findProfile({ format, ...said }, "default", store);
const inMap = (key: string, name = "profiles") => ({ configMap: { name, key } });

describe("a profile", () => {
  it("is found in a file, a ConfigMap, or in the simulation", async () => {
    expect(await find({ path: "assistant.yaml" })).toMatchObject({
      ok: true,
      value: { file: "assistant.yaml", said: { aggregate_rate: 6 } },
    });
    expect(await find(inMap("good.yaml"))).toMatchObject({ ok: true, value: { said: { aggregate_rate: 1 } } });
    expect(await find({ inline: '{"a": 1}' })).toEqual({ ok: true, value: { said: { a: 1 } }, warnings: [] });
    expect(await findProfile({ preset: "chatbot", rate: 1 }, "default", store)).toMatchObject({ ok: true });
  });

  it.each([
    [{ path: "../quickstart/hpa.yaml" }, { field: "spec.workload.profile.path", reason: "PathNotAllowed" }],
    [{ path: "nothing.yaml" }, { field: "spec.workload.profile.path", reason: "ProfileNotFound" }],
    [inMap("good.yaml", "others"), { field: "spec.workload.profile.configMap", reason: "ProfileNotFound" }],
    [inMap("two.yaml"), { file: "ConfigMap profiles/two.yaml", message: "it holds several documents" }],
    [inMap("empty.yaml"), { file: "ConfigMap profiles/empty.yaml", message: "it holds nothing" }],
    [inMap("broken.yaml"), { file: "ConfigMap profiles/broken.yaml", reason: "BadProfile" }],
    [{ inline: "a: [" }, { field: "spec.workload.profile.inline", reason: "BadProfile" }],
  ])("is refused: %j", async (said, problem) => {
    const found = await find(said);
    if (found.ok) throw new Error("was found");
    expect(found.problems).toMatchObject([problem]);
  });
});

describe("a mirrored profile", () => {
  const mirrored = (profile: object, said?: unknown, file?: string) => {
    const quickstart = new Quickstart();
    quickstart.simulation.spec.workload = { profile };
    expect(parseSimulation(quickstart.simulation, {}).ok).toBe(true);
    const found = said === undefined ? {} : { profile: { said, ...(file === undefined ? {} : { file }) } };
    return quickstart.mirror(found);
  };
  const problemsOf = (result: ReturnType<typeof mirrored>) => (result.ok ? [] : result.problems);

  it("becomes clients of the synthetic source, each value told with its source", () => {
    const made = mirrored({ preset: "bursty", rate: 4 });
    if (!made.ok) throw new Error("was refused");
    expect(made.value.scenario.traffic).toMatchObject({ kind: "synthetic", synthetic: { clients: [{ rate: 4 }] } });
    expect(made.value.values.find(({ path }) => path === "traffic.clients[bursty-client].arrival.cv")).toMatchObject({
      value: 3.5,
      from: { kind: "derived", how: "preset bursty" },
    });
  });

  it("names an unknown field where it stands, and the one that was meant", () => {
    const said = { aggregate_rate: 1, clients: [{ id: "a", rate_fractions: 1 }] };
    expect(problemsOf(mirrored({ format, path: "x.yaml" }, said, "x.yaml"))).toContainEqual(
      expect.objectContaining({
        file: "x.yaml",
        field: "clients[0].rate_fractions",
        fix: "did you mean `rate_fraction`?",
      }),
    );
    expect(problemsOf(mirrored({ format, inline: "…" }, said))).toContainEqual(
      expect.objectContaining({ field: "spec.workload.profile.inline.clients[0].rate_fractions" }),
    );
  });

  it("is held to the installation's bounds", () => {
    expect(problemsOf(mirrored({ preset: "chatbot", rate: 1_000_000 }))).toMatchObject([
      { reason: "RateTooHigh", field: "spec.workload.profile" },
      { reason: "TooManyRequests", field: "spec.run.horizon" },
    ]);
  });
});
