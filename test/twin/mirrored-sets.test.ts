import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAll } from "js-yaml";
import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import type { InferenceSimulation } from "../../src/schema/resource.ts";
import { changedBy } from "../../src/twin/candidate.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import { World } from "../../src/twin/world.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const folder = join(fileURLToPath(new URL("../../", import.meta.url)), "deploy/examples/leaderworkerset");
const objects = ["llama-405b.yaml", "simulation.yaml"].flatMap(
  (file) => loadAll(readFileSync(join(folder, file), "utf8")) as Json[],
);

/** The example, and every other kind of it by a change. */
class Example extends Quickstart {
  readonly set: Json;
  readonly service: Json;
  readonly scaler: Json;
  readonly own: Json;

  constructor() {
    super();
    [this.set, this.service, this.scaler, this.own] = structuredClone(objects);
    this.gone.add(this.deployment).add(this.hpa);
    this.others.push(this.set, this.service, this.scaler);
  }

  get leader(): Json {
    return this.set.spec.leaderWorkerTemplate.leaderTemplate.spec;
  }

  get workers(): Json {
    return this.set.spec.leaderWorkerTemplate.workerTemplate.spec;
  }

  result() {
    const result = this.mirror({}, this.own);
    const told = (result.ok ? result.warnings : result.problems).map(describeProblem);
    return { value: result.ok ? result.value : undefined, told };
  }

  good() {
    const { value, told } = this.result();
    if (value === undefined) throw new Error(told.join("\n"));
    return { ...value, told };
  }
}

/** The quickstart as a StatefulSet, or as a Rollout of its Deployment. */
const stateful = (): Quickstart => {
  const q = new Quickstart();
  q.deployment.kind = "StatefulSet";
  q.deployment.metadata.name = "vllm-llama-8b";
  q.simulation.spec.mirror.workloads = [{ kind: "StatefulSet", name: "vllm-llama-8b" }];
  q.hpa.spec.scaleTargetRef = { apiVersion: "apps/v1", kind: "StatefulSet", name: "vllm-llama-8b" };
  return q;
};

const told = (q: Quickstart): string => {
  const result = q.mirror();
  return (result.ok ? result.warnings : result.problems).map(describeProblem).join("\n");
};

describe("deploy/examples/leaderworkerset", () => {
  it("is two groups of 16 GPUs, scaled by its HPA, on nodes of 8", () => {
    const { scenario, told: warnings, reads } = new Example().good();
    expect(warnings).toEqual([]);
    expect(scenario.workloads[0]).toMatchObject({
      kind: "LeaderWorkerSet",
      replicas: 2,
      gpusPerReplica: 16,
      parallelism: { tp: 8, pp: 2, dp: 1 },
      ordinals: "Parallel",
      group: { size: 2, workersAfterLeader: false },
    });
    expect(scenario.autoscalers).toMatchObject([{ name: "llama-405b", workload: "llama-405b" }]);
    expect(scenario.nodes?.pods["llama-405b"]).toMatchObject({ members: 2, placement: { gpus: 8 } });
    expect(scenario.nodes?.pods["llama-405b"]?.workers).toBeUndefined();
    expect(reads.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["LeaderWorkerSet", "HorizontalPodAutoscaler", "Service"]),
    );
  });

  it("loads half of the weights in each pod, all of them where a pod is a replica", () => {
    const example = new Example();
    const { scenario } = example.good();
    const bytes = scenario.nodes?.pods["llama-405b"]?.weightBytes ?? 0;
    // 405.9e9 parameters of two bytes.
    expect(bytes / 405.9e9).toBeCloseTo(1, 2);
  });

  it("asks other nodes for workers than for leaders, where their templates differ", () => {
    const example = new Example();
    example.workers.nodeSelector = { pool: "workers" };
    expect(example.result().told.join()).toMatch(
      /spec\.leaderWorkerTemplate\.leaderTemplate\.spec: no pool of nodes takes its pods: they ask for 8 GPUs/,
    );
    example.own.spec.overrides.nodes.pools[0].labels.pool = "workers";
    expect(example.good().scenario.nodes?.pods["llama-405b"]?.workers?.nodeSelector).toEqual({ pool: "workers" });
  });

  it.each([
    {
      name: "a group of one pod, which can't hold the model",
      change: (e: Example) => (e.set.spec.leaderWorkerTemplate.size = 1),
      says: /weights.* GiB/,
      ok: false,
    },
    {
      name: "too few GPUs in a group",
      change: (e: Example) => (e.workers.containers[0].resources.limits["nvidia.com/gpu"] = "4"),
      says: /needs 16 GPUs, but a group has 12/,
      ok: false,
    },
    {
      name: "tensor parallelism over nodes",
      change: (e: Example) =>
        (e.leader.containers[0].args[0] = "vllm serve meta-llama/Llama-3.1-405B-Instruct -tp 16 --max-model-len 16384"),
      says: /the 16 GPUs of a tensor-parallel group are on several nodes; .* simulated as fast as within one/,
      ok: true,
    },
    {
      name: "an HPA of a Deployment with its name",
      change: (e: Example) =>
        (e.scaler.spec.scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "llama-405b" }),
      says: /Deployment llama-405b does not exist/,
      ok: false,
    },
    {
      name: "a Service that selects workers",
      change: (e: Example) => {
        e.service.spec.selector["leaderworkerset.sigs.k8s.io/worker-index"] = "1";
        e.own.spec.mirror.router = { kind: "Service", name: "llama-405b" };
      },
      says: /does not select the pods of LeaderWorkerSet\/inference\/llama-405b/,
      ok: false,
    },
    {
      name: "a set that isn't there",
      change: (e: Example) => (e.own.spec.mirror.workloads[0].name = "llama-405"),
      says: /LeaderWorkerSet llama-405 does not exist in namespace inference; did you mean llama-405b\?/,
      ok: false,
    },
    {
      name: "two workloads of one name",
      change: (e: Example) => {
        e.deployment.metadata.name = "llama-405b";
        e.gone.delete(e.deployment);
        e.own.spec.mirror.workloads.push({ kind: "Deployment", name: "llama-405b" });
      },
      says: /workloads\[1\]\.name: Deployment llama-405b and LeaderWorkerSet llama-405b have one name/,
      ok: false,
    },
  ])("says what is wrong: $name", ({ change, says, ok }) => {
    const example = new Example();
    change(example);
    const { value, told: problems } = example.result();
    expect(problems.join("\n")).toMatch(says);
    expect(value !== undefined).toBe(ok);
  });

  it("is scaled by a ScaledObject that names its group, and by none that doesn't", () => {
    const aimed = (scaleTargetRef: Json) => {
      const example = new Example();
      example.gone.add(example.scaler);
      example.others.push({
        apiVersion: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        metadata: { name: "llama-405b", namespace: "inference" },
        spec: {
          scaleTargetRef,
          maxReplicaCount: 4,
          triggers: [
            {
              type: "prometheus",
              metadata: { serverAddress: "http://p", query: "sum(vllm:num_requests_waiting)", threshold: "4" },
            },
          ],
        },
      });
      return example.good().scenario.autoscalers.map(({ workload }) => workload);
    };
    const ref = { kind: "LeaderWorkerSet", name: "llama-405b" };
    expect(aimed({ ...ref, apiVersion: "leaderworkerset.x-k8s.io/v1" })).toEqual(["llama-405b"]);
    // KEDA takes it for one of apps/v1.
    expect(aimed(ref)).toEqual([]);
  });

  it("is changed by candidates", () => {
    const example = new Example();
    const cluster = {
      get: (kind: string, _: string, name: string) =>
        example.others.find((one) => one.kind === kind && one.metadata.name === name),
      list: (kind: string) => example.others.filter((one) => one.kind === kind),
    };
    const changed = changedBy(
      {
        name: "wider",
        patches: [
          {
            target: { kind: "LeaderWorkerSet" },
            json6902: [{ op: "replace", path: "/spec/leaderWorkerTemplate/size", value: 4 }],
          },
        ],
      },
      0,
      { simulation: example.own as InferenceSimulation, stored: example.own, cluster, reads: example.good().reads },
    );
    expect(changed.ok && changed.value.cluster.get("LeaderWorkerSet", "inference", "llama-405b")?.spec).toMatchObject({
      leaderWorkerTemplate: { size: 4 },
    });
  });
});

describe("the quickstart as a StatefulSet", () => {
  it("is what the Deployment is, but for its kind and ordinals", () => {
    const [as, before] = [stateful().mirror(), new Quickstart().mirror()];
    if (!as.ok || !before.ok) throw new Error("both can be mirrored");
    const { kind, ordinals, ...same } = as.value.scenario.workloads[0] as Json;
    expect([kind, ordinals]).toEqual(["StatefulSet", "OrderedReady"]);
    expect({ kind: "Deployment", ...same }).toEqual(before.value.scenario.workloads[0]);
    expect(scenarioDigest(as.value.scenario)).not.toBe(scenarioDigest(before.value.scenario));
    const world = new World(as.value.scenario);
    expect(world.view().autoscalers[0]).toMatchObject({ targetApiVersion: "apps/v1", targetKind: "StatefulSet" });
    expect(world.view().replicas.map(({ pod }) => pod)).toEqual(["vllm-llama-8b-0", "vllm-llama-8b-1"]);
  });

  it("is scraped by a PodMonitor that selects its pods", () => {
    const q = stateful();
    q.others.push({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { name: "vllm", namespace: "inference" },
      spec: {
        selector: { matchLabels: q.deployment.spec.template.metadata.labels },
        podMetricsEndpoints: [{ targetPort: 8000, interval: "10s" }],
      },
    });
    const result = q.mirror();
    if (!result.ok) throw new Error(told(q));
    const [job] = result.value.scenario.metrics.jobs ?? [];
    expect(job?.targets.map(({ of }) => of)).toEqual([{ role: "engine", name: "vllm-llama-8b" }]);
  });
});

describe("the quickstart as a Rollout", () => {
  const rollout = (): Quickstart => {
    const q = new Quickstart();
    q.simulation.spec.mirror.workloads = [{ kind: "Rollout", name: "chat" }];
    q.hpa.spec.scaleTargetRef = { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "chat" };
    q.others.push({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name: "chat", namespace: "inference" },
      spec: {
        replicas: 3,
        workloadRef: { apiVersion: "apps/v1", kind: "Deployment", name: "vllm-llama-8b" },
        strategy: { canary: { maxSurge: 0, maxUnavailable: 1 } },
      },
    });
    return q;
  };

  it("has the pods of the Deployment that it refers to, which is read too", () => {
    const result = rollout().mirror();
    if (!result.ok) throw new Error(told(rollout()));
    const { scenario, reads } = result.value;
    expect(scenario.workloads[0]).toMatchObject({ kind: "Rollout", name: "chat", replicas: 3 });
    expect(scenario.workloads[0]?.ordinals).toBeUndefined();
    expect(scenario.autoscalers[0]?.workload).toBe("chat");
    expect(reads).toContainEqual({ kind: "Deployment", namespace: "inference", name: "vllm-llama-8b" });
    expect(new World(scenario).view().autoscalers[0]?.targetApiVersion).toBe("argoproj.io/v1alpha1");
  });

  it("has none where that is gone", () => {
    const q = rollout();
    q.gone.add(q.deployment);
    expect(told(q)).toMatch(/Rollout\/inference\/chat: spec\.workloadRef: names Deployment vllm-llama-8b/);
  });
});
