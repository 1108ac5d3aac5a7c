import { describe, expect, it } from "vitest";
import { applied } from "../../src/twin/applied.ts";
import type { Manifest } from "../../src/twin/manifest.ts";

const deployment = (spec: unknown, annotations?: Record<string, string>): Manifest => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "a", namespace: "n", ...(annotations === undefined ? {} : { annotations }) },
  spec,
});
const record = (spec: unknown) => ({
  "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(deployment(spec)),
});

describe("applied", () => {
  it.each([
    {
      name: "keeps what the manifest leaves to others, such as an HPA's replicas",
      live: deployment({ replicas: 7, paused: false }),
      said: { paused: true },
      spec: { replicas: 7, paused: true },
    },
    {
      name: "drops what was applied before and is said no longer",
      live: deployment({ replicas: 7, minReadySeconds: 5 }, record({ minReadySeconds: 5 })),
      said: {},
      spec: { replicas: 7 },
    },
    {
      name: "drops nothing without a record of what was applied",
      live: deployment({ minReadySeconds: 5 }),
      said: {},
      spec: { minReadySeconds: 5 },
    },
    {
      name: "merges containers by name, and keeps those that were put in beside them",
      live: deployment(
        {
          containers: [
            { name: "vllm", image: "a", tty: false },
            { name: "mesh", image: "m" },
            { name: "old", image: "o" },
          ],
        },
        record({ containers: [{ name: "vllm", image: "a" }, { name: "old" }] }),
      ),
      said: { containers: [{ name: "vllm", image: "b" }] },
      spec: {
        containers: [
          { name: "vllm", image: "b", tty: false },
          { name: "mesh", image: "m" },
        ],
      },
    },
    {
      name: "replaces other lists whole",
      live: deployment({ args: ["--a", "--b"] }),
      said: { args: ["--c"] },
      spec: { args: ["--c"] },
    },
  ])("$name", ({ live, said, spec }) => {
    const before = structuredClone(live);
    expect(applied(live, deployment(said)).spec).toEqual(spec);
    expect(live).toEqual(before);
  });

  it("takes a record that is no JSON for none", () =>
    expect(
      applied(deployment({ a: 1 }, { "kubectl.kubernetes.io/last-applied-configuration": "{" }), deployment({ b: 2 }))
        .spec,
    ).toEqual({ a: 1, b: 2 }));
});
