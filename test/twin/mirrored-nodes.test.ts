import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import { World } from "../../src/twin/world.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const node = (name: string, over: Json = {}): Json => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name,
    labels: {
      "karpenter.sh/nodepool": "h100",
      "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
      "kubernetes.io/hostname": name,
    },
  },
  spec: {
    taints: [
      { key: "nvidia.com/gpu", effect: "NoSchedule" },
      { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
    ],
  },
  status: { allocatable: { "nvidia.com/gpu": "8" }, conditions: [{ type: "Ready", status: "True" }] },
  ...over,
});

const nodePool: Json = {
  apiVersion: "karpenter.sh/v1",
  kind: "NodePool",
  metadata: { name: "h100" },
  spec: {
    weight: 7,
    limits: { "nvidia.com/gpu": "36" },
    disruption: { consolidateAfter: "90s", consolidationPolicy: "WhenEmpty" },
    template: {
      metadata: { labels: { team: "chat" } },
      spec: {
        taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
        requirements: [
          { key: "karpenter.sh/capacity-type", operator: "In", values: ["spot"] },
          { key: "kubernetes.io/arch", operator: "In", values: ["amd64", "arm64"] },
        ],
      },
    },
  },
};

/** The quickstart, whose pods ask for an H100 by label, with what stands under them. */
const onNodes = (nodes: Json, ...others: Json[]): Quickstart => {
  const q = new Quickstart();
  q.simulation.spec.overrides = { ...q.simulation.spec.overrides, nodes };
  q.pod.nodeSelector = { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" };
  q.pod.tolerations = [{ key: "nvidia.com/gpu", operator: "Exists" }];
  q.others.push(...others);
  return q;
};

const mirrored = (q: Quickstart) => {
  const result = q.mirror();
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return result.value;
};

const problems = (q: Quickstart): readonly string[] => {
  const result = q.mirror();
  return result.ok ? [] : result.problems.map(describeProblem);
};

const LABELS = { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" };
const H100 = { name: "h100", gpusPerNode: 8, nodes: 1, labels: LABELS };

describe("nodes under the mirrored pods", () => {
  it("are not there unless asked for", () => {
    const q = new Quickstart();
    const { scenario } = mirrored(q);
    expect(scenario).not.toHaveProperty("nodes");
    const withNodes = new Quickstart();
    withNodes.others.push(node("a"));
    expect(scenarioDigest(mirrored(withNodes).scenario)).toBe(scenarioDigest(scenario));
  });

  it("are as they are said", () => {
    const { scenario } = mirrored(
      onNodes({ pools: [{ ...H100, pricePerGpuHour: 2.5, provisioning: { mean: "3m" } }], scoring: "MostAllocated" }),
    );
    expect(scenario.nodes?.pools).toEqual([
      {
        name: "h100",
        gpusPerNode: 8,
        nodes: 1,
        minNodes: 0,
        maxNodes: 1,
        labels: LABELS,
        taints: [],
        weight: 0,
        provisionSeconds: { mean: 180, deviation: 0 },
        pricePerGpuHour: 2.5,
      },
    ]);
    expect(scenario.nodes).toMatchObject({ scoring: { strategy: "MostAllocated" }, autoscaler: { kind: "None" } });
  });

  it("are the mirrored ones, by pool, with what Karpenter says of it", () => {
    const cordoned = node("c", { spec: { unschedulable: true } });
    const { scenario, reads } = mirrored(onNodes({}, node("a"), node("b"), cordoned, nodePool));
    expect(scenario.nodes?.pools).toEqual([
      {
        name: "h100",
        gpusPerNode: 8,
        nodes: 2,
        minNodes: 0,
        maxNodes: 4,
        labels: { ...LABELS, "karpenter.sh/nodepool": "h100", "karpenter.sh/capacity-type": "spot", team: "chat" },
        taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
        weight: 7,
        provisionSeconds: { mean: 240, deviation: 60 },
      },
    ]);
    expect(scenario.nodes?.autoscaler).toMatchObject({
      kind: "Karpenter",
      consolidateAfter: "1m30s",
      consolidationPolicy: "WhenEmpty",
    });
    expect(reads.map(({ kind }) => kind)).toContain("NodePool");
  });

  describe("by how Karpenter disrupts them", () => {
    const pool = (disruption: Json, spec: Json = {}, name = "h100"): Json => {
      const one = structuredClone(nodePool);
      one.metadata.name = name;
      one.spec = { ...one.spec, disruption };
      one.spec.template.spec = { ...one.spec.template.spec, ...spec };
      return one;
    };
    const read = (...pools: readonly Json[]) => {
      const q = onNodes({}, node("a"), ...pools);
      const result = q.mirror();
      if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
      const told = result.warnings.filter(({ object }) => object?.startsWith("NodePool/")).map(describeProblem);
      return { autoscaler: result.value.scenario.nodes?.autoscaler, told, values: result.value.values };
    };

    it.each([
      ["nothing", undefined, { budgetPercent: 10 }],
      ["a share", [{ nodes: "25%" }], { budgetPercent: 25 }],
      ["a number", [{ nodes: "3" }], { budgetPercent: 100, budgetNodes: 3 }],
      ["none at all", [{ nodes: "0" }], { budgetPercent: 100, budgetNodes: 0 }],
      ["several", [{ nodes: "50%" }, { nodes: "20%" }, { nodes: "5" }], { budgetPercent: 20, budgetNodes: 5 }],
      ["drift, which is not simulated", [{ nodes: "0", reasons: ["Drifted"] }], { budgetPercent: 10 }],
      ["all reasons", [{ nodes: "1%", reasons: ["Empty", "Underutilized"] }], { budgetPercent: 1 }],
    ])("reads budgets of %s", (_, budgets, wanted) => {
      const { autoscaler, told } = read(pool(budgets === undefined ? {} : { budgets }));
      const { budgetPercent, budgetNodes } = autoscaler as Json;
      expect({ budgetPercent, ...(budgetNodes === undefined ? {} : { budgetNodes }) }).toEqual(wanted);
      expect(told).toEqual([]);
    });

    it("says at which field a budget is", () => {
      expect(read(pool({ budgets: [{ nodes: "2" }] })).values).toContainEqual({
        path: "nodes.autoscaler.budgetNodes",
        value: 2,
        from: {
          kind: "field",
          object: expect.stringMatching(/^NodePool\//),
          field: "spec.disruption.budgets[0].nodes",
        },
      });
    });

    it.each([
      [
        pool({ budgets: [{ nodes: "0", schedule: "0 9 * * 1-5", duration: "8h" }] }),
        /budgets\[0\]\.schedule: a budget of/,
      ],
      [pool({ budgets: [{ nodes: "0", reasons: ["Underutilized"] }] }), /for Underutilized alone is not simulated/],
      [pool({ budgets: [{ nodes: "some" }] }), /must be a number of nodes or a share such as 10%, not "some"/],
      [pool({ consolidationPolicy: "Balanced" }), /Balanced is simulated as WhenEmptyOrUnderutilized/],
      [pool({}, { expireAfter: "10m" }), /spec\.template\.spec\.expireAfter: nodes go 600 s after they came/],
      [pool({}, { terminationGracePeriod: "1h" }), /terminationGracePeriod: a drain takes as long as it takes/],
    ])("tells what is not simulated: %#", (one, message) => {
      const { told } = read(one);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(message);
    });

    it.each(["720h", "Never", undefined])("says nothing of nodes that outlive the run: %s", (expireAfter) => {
      expect(read(pool({}, expireAfter === undefined ? {} : { expireAfter })).told).toEqual([]);
    });

    it("tells where pools differ", () => {
      const other = pool({ budgets: [{ nodes: "90%" }] }, {}, "other");
      const q = onNodes({ pools: [H100, { ...H100, name: "other" }] }, pool({}), other);
      const result = q.mirror();
      expect((result.ok ? result.warnings : result.problems).map(describeProblem).join("\n")).toMatch(
        /NodePool\/.*other: spec\.disruption: gives nodes back in another way than NodePool\/.*h100/,
      );
    });
  });

  it("give pods what their template asks for", () => {
    const q = onNodes({ pools: [H100], podDisruptionBudget: { maxUnavailable: "25%" } });
    q.simulation.spec.overrides.start = { imagePull: { mean: "80s" } };
    q.deployment.spec.template.metadata.annotations = { "karpenter.sh/do-not-disrupt": "true" };
    q.pod.priority = 1000;
    const { scenario } = mirrored(q);
    const [workload] = scenario.workloads;
    expect(workload?.start.imagePullSeconds.mean).toBe(3);
    expect(scenario.nodes?.pods["vllm-llama-8b"]).toMatchObject({
      placement: {
        gpus: 1,
        priority: 1000,
        nodeSelector: LABELS,
        tolerations: [{ key: "nvidia.com/gpu", operator: "Exists" }],
      },
      evictable: false,
      members: 1,
      imagePullSeconds: { mean: 80, deviation: 0 },
      budget: { maxUnavailable: "25%" },
    });
    expect(scenario.nodes?.pods["vllm-llama-8b"]?.weightBytes).toBeGreaterThan(15e9);
  });

  it("are told to be chosen pod by pod, where the template says how pods are spread", () => {
    const q = onNodes({ pools: [H100] });
    q.pod.topologySpreadConstraints = [{ maxSkew: 1, topologyKey: "kubernetes.io/hostname" }];
    q.pod.affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } };
    const result = q.mirror();
    const told = (result.ok ? result.warnings : []).filter(({ message }) => message.includes("pod by pod"));
    const spec = "spec.template.spec";
    expect(told.map(({ field }) => field)).toEqual([
      `${spec}.topologySpreadConstraints`,
      `${spec}.affinity.podAntiAffinity`,
    ]);
  });

  it("run in a world", () => {
    const q = onNodes({ pools: [{ ...H100, maxNodes: 3 }], autoscaler: { kind: "ClusterAutoscaler" } });
    q.simulation.spec.run = { horizon: "10m" };
    const world = new World(mirrored(q).scenario);
    while (world.next !== undefined) world.step();
    expect(world.view().pods?.length).toBeGreaterThan(0);
  });

  it.each<{ name: string; nodes: Json; others?: Json[]; says: string }>([
    { name: "no pool", nodes: {}, says: "there are no pools of nodes: none are given, and no mirrored node has GPUs" },
    {
      name: "no size",
      nodes: { pools: [{ name: "h100", nodes: 1 }] },
      says: "spec.overrides.nodes.pools[0].gpusPerNode: nothing tells how many GPUs a node of pool h100 has",
    },
    {
      name: "labels that don't match",
      nodes: { pools: [{ ...H100, labels: {} }] },
      says: "Deployment/inference/vllm-llama-8b: spec.template.spec: no pool of nodes takes its pods",
    },
    {
      name: "a taint that isn't tolerated",
      nodes: { pools: [{ ...H100, taints: [{ key: "spot", effect: "NoSchedule" }] }] },
      says: "no pool of nodes takes its pods",
    },
    {
      name: "no most",
      nodes: { pools: [H100], autoscaler: { kind: "ClusterAutoscaler" } },
      says: "spec.overrides.nodes.pools[0]: nothing tells how many nodes pool h100 may have at most",
    },
    {
      name: "a scan that never ends",
      nodes: { pools: [{ ...H100, maxNodes: 2 }], autoscaler: { kind: "ClusterAutoscaler", scanInterval: "0s" } },
      says: "spec.overrides.nodes.autoscaler.scanInterval: must be longer than 0s",
    },
    {
      name: "a disruption of nobody",
      nodes: { pools: [H100], disruptions: [{ at: "1m", kind: "NodeLost", pool: "a100" }] },
      says: "spec.overrides.nodes.disruptions[0].pool: there is no pool a100; name one of h100",
    },
  ])("refuse $name", ({ nodes, others = [], says }) =>
    expect(problems(onNodes(nodes, ...others)).some((text) => text.includes(says))).toBe(true),
  );
});
