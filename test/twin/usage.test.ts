import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import type { Problem } from "../../src/model/problem.ts";
import { Field } from "../../src/twin/field.ts";
import { readPodRequests } from "../../src/twin/readers/pod/pod-requests.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const onCpu = (percent: number) =>
  waitingHpa(1, {
    metrics: [{ type: "Resource", resource: "cpu", target: { type: "Utilization", percent } }],
  });

/** Requests one core for the engine's container. */
const syncs = (rate: number, requests: boolean) => {
  const told: Extract<Fact, { kind: "synced" }>[] = [];
  const world = new World(
    scenario({
      horizonMicros: 240e6,
      workloads: [
        workload({
          ...(requests ? { requests: { containers: [{ name: "vllm", milli: { cpu: 1000 } }] } } : {}),
        }),
      ],
      autoscalers: [onCpu(70)],
      traffic: { kind: "synthetic", synthetic: chat(rate) },
    }),
    (fact) => fact.kind === "synced" && told.push(fact),
  );
  while (world.next !== undefined) world.step();
  return told.map(({ sync }) => sync);
};

describe("an HPA on CPU", () => {
  it("sees no pod until metrics-server has read it twice, then the busy share of the steps", () => {
    const [first, ...later] = syncs(8, true);
    expect(first?.error).toBe("FailedGetResourceMetric");
    const seen = later.slice(2).map(({ metrics }) => metrics[0]?.seen as number);
    // At 8 requests/s two replicas are always at work: one core each.
    expect(Math.min(...seen)).toBeGreaterThan(75);
    expect(Math.max(...seen)).toBeLessThanOrEqual(100);
    expect(later.at(-1)?.desiredReplicas).toBeGreaterThan(2);
  });

  it("sees less where there is less to do", () => {
    const seen = syncs(0.05, true).map(({ metrics }) => metrics[0]?.seen ?? 0);
    expect(Math.max(...seen)).toBeLessThan(60);
  });

  it("fails without requests, as the controller says", () =>
    expect(syncs(8, false).at(-1)).toMatchObject({ error: "FailedGetResourceMetric", desiredReplicas: 2 }));
});

describe("requests of a pod", () => {
  const read = (spec: Readonly<Record<string, unknown>>) => {
    const problems: Problem[] = [];
    const manifest = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "n" }, spec };
    return readPodRequests(Field.root(manifest, problems).at("spec"));
  };

  it.each([
    {
      name: "requests",
      resources: { requests: { cpu: "500m", memory: "1Gi" } },
      milli: { cpu: 500, memory: 2 ** 30 * 1000 },
    },
    { name: "a limit where none is said", resources: { limits: { cpu: 2 } }, milli: { cpu: 2000 } },
    {
      name: "the request beside a limit",
      resources: { limits: { cpu: 4 }, requests: { cpu: 1 } },
      milli: { cpu: 1000 },
    },
    { name: "nothing that can't be read", resources: { requests: { cpu: "lots", "nvidia.com/gpu": 1 } }, milli: {} },
  ])("are $name", ({ resources, milli }) =>
    expect(read({ containers: [{ name: "vllm", resources }] })).toEqual({
      containers: [{ name: "vllm", milli }],
      initContainers: [],
    }),
  );

  it("count init containers that stay, and the pod's own", () =>
    expect(
      read({
        resources: { requests: { cpu: 3 } },
        containers: [{ name: "vllm" }],
        initContainers: [{ name: "proxy", restartPolicy: "Always", resources: { requests: { cpu: "100m" } } }],
      }),
    ).toEqual({
      containers: [{ name: "vllm", milli: {} }],
      initContainers: [{ name: "proxy", milli: { cpu: 100 }, restartable: true }],
      pod: { cpu: 3000 },
    }));
});
