import { nodeAutoscalers } from "../../controlplane/nodes/autoscalers/index.ts";
import type { NodeAutoscalerSaid, PodPlacement } from "../../controlplane/nodes/index.ts";
import { suits } from "../../controlplane/nodes/index.ts";
import { durationOf, durationSeconds, durationTextOf } from "../../model/duration.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { seconds } from "../../sim/time.ts";
import { digestOf } from "../digest.ts";
import { defaulted, type Ledger, overridden, placeOf } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type {
  BudgetScenario,
  DisruptionScenario,
  ModelStorageScenario,
  NodesScenario,
  PodsOnNodes,
} from "../nodes-scenario.ts";
import type { GroupReading, NodePoolReading, WorkloadReading } from "../reader.ts";
import type { ModelStorage } from "../readers/pod/model-storage.ts";
import type { KvStoreScenario, WorkloadScenario } from "../scenario.ts";
import { mirrorBudgets } from "./mirrored-budgets.ts";
import { mirrorNodePools, readNodePools } from "./mirrored-node-pools.ts";
import { mirrorPodPriority, preemptsOf } from "./mirrored-pod-priority.ts";
import { STORAGE_BYTES_PER_SECOND } from "./mirrored-start.ts";

type NodesSaid = NonNullable<SimulationSpec["overrides"]["nodes"]>;

/** A workload on its way into the scenario, with what nodes need to know of it. */
export interface WorkloadOnNodes {
  readonly reading: WorkloadReading;
  readonly scenario: WorkloadScenario;
  readonly weightBytes: number;
  /** Left out: its replicas keep no KV below host memory. */
  readonly kvStore?: KvStoreScenario;
}

/** Nodes under the pods; undefined where the simulation doesn't ask for them. */
export const mirrorNodes = (
  { overrides, run, mode }: SimulationSpec,
  workloads: readonly WorkloadOnNodes[],
  cluster: ObservedCluster,
  ledger: Ledger,
): NodesScenario | undefined => {
  const { nodes: said, start } = overrides;
  if (said === undefined) return undefined;
  const asked = readNodePools(cluster, ledger);
  const autoscaler = autoscalerOf(said, asked, ledger);
  tellExpiry(asked, mode === "Shadow" ? Number.POSITIVE_INFINITY : durationSeconds(run.horizon), ledger);
  const pools = mirrorNodePools(said, { cluster, asked, grows: autoscaler.kind !== "None" }, ledger);
  const scoring = overridden(said.scoring, "overrides.nodes.scoring") ?? LEAST;
  const readings = workloads.map(({ reading }) => reading);
  const parts = { said, start, cluster, budgets: mirrorBudgets(readings, said.podDisruptionBudget, cluster, ledger) };
  const pods = workloads.map((workload) => [workload.scenario.name, podsOf(workload, parts, ledger)] as const);
  for (const [name, { placement: first, workers = first }] of pods) {
    const placement = [first, workers].find(
      (one) => !pools.some((pool) => pool.gpusPerNode >= one.gpus && suits(one, pool)),
    );
    if (placement === undefined) continue;
    const { ref, podPath } = workloads.find(({ scenario }) => scenario.name === name)?.reading ?? {};
    ledger.error({
      reason: "NoNodeSuits",
      ...(ref === undefined ? {} : { object: objectText(ref) }),
      field: podPath ?? "spec",
      message: `no pool of nodes takes its pods: they ask for ${placement.gpus} GPUs on one node, and for labels and taints that match`,
      fix: `look at gpusPerNode, labels and taints of ${pools.map((pool) => pool.name).join(", ") || "the pools"}, and at nodeSelector, affinity and tolerations of the pods`,
    });
  }
  refuseUnknown(said.disruptions ?? [], { pools, workloads }, ledger);
  return {
    pools,
    scoring: { strategy: ledger.use("nodes.scoring", scoring) },
    autoscaler,
    pods: Object.fromEntries(pods),
    disruptions: (said.disruptions ?? []).map((one) => disruptionOf(one, workloads)),
  };
};

const LEAST = defaulted("LeastAllocated" as const, "kube-scheduler's default");

const autoscalerOf = (
  { autoscaler }: NodesSaid,
  asked: readonly NodePoolReading[],
  ledger: Ledger,
): NodeAutoscalerSaid => {
  const path = "nodes.autoscaler";
  const kind = overridden(autoscaler?.kind, "overrides.nodes.autoscaler.kind");
  if (autoscaler !== undefined && kind !== undefined) {
    ledger.use(path, kind);
    if (autoscaler.kind === "ClusterAutoscaler" && durationOf(autoscaler.scanInterval) === 0) {
      const field = "spec.overrides.nodes.autoscaler.scanInterval";
      ledger.error({ reason: "BadPeriod", field, message: "must be longer than 0s", fix: "set 10s, or leave it out" });
    }
    return autoscaler;
  }
  const [first] = asked;
  if (first === undefined) {
    ledger.use(path, defaulted("None", "no NodePool of Karpenter is mirrored"));
    return { kind: "None" };
  }
  const { consolidateAfterSeconds: after, whenEmptyOnly, budgetPercent, budgetNodes } = first;
  ledger.use(path, { value: "Karpenter", from: { kind: "derived", how: `${objectText(first.ref)} is mirrored` } });
  const never = after !== undefined && after.value === undefined;
  const policy = never ? "Never" : whenEmptyOnly ? "WhenEmpty" : "WhenEmptyOrUnderutilized";
  tellOthers(asked, ledger);
  const share = ledger.use(`${path}.budgetPercent`, budgetPercent ?? defaulted(10, "Karpenter: one budget of 10%"));
  if (budgetNodes !== undefined) ledger.use(`${path}.budgetNodes`, budgetNodes);
  return nodeAutoscalers.schema.parse({
    kind: "Karpenter",
    consolidationPolicy: policy,
    budgetPercent: Math.min(100, share),
    ...(budgetNodes === undefined ? {} : { budgetNodes: Math.min(1_000_000, budgetNodes.value) }),
    ...(after?.value === undefined ? {} : { consolidateAfter: durationTextOf(seconds(after.value)) }),
  });
};

/** All pools give nodes back as the first does. */
const tellOthers = ([first, ...others]: readonly NodePoolReading[], ledger: Ledger): void => {
  const disruptionOf = ({ consolidateAfterSeconds, whenEmptyOnly, budgetPercent, budgetNodes }: NodePoolReading) =>
    JSON.stringify([consolidateAfterSeconds, whenEmptyOnly, budgetPercent, budgetNodes].map(plain));
  for (const other of others) {
    if (first === undefined || disruptionOf(other) === disruptionOf(first)) continue;
    const message = `gives nodes back in another way than ${objectText(first.ref)}, whose way is simulated for all pools`;
    const fix = "set spec.overrides.nodes.autoscaler";
    ledger.warn({ reason: "NotModelled", object: objectText(other.ref), field: "spec.disruption", message, fix });
  }
};

const plain = (said: { readonly value: unknown } | boolean | undefined): unknown =>
  typeof said === "object" ? { value: said.value ?? null } : said;

/** Nodes are as old as the run, so that all would expire at once; how old the real ones are plays no part. */
const tellExpiry = (asked: readonly NodePoolReading[], runSeconds: number, ledger: Ledger): void => {
  for (const { ref, expireAfterSeconds: after } of asked) {
    if (after === undefined || after.value > runSeconds) continue;
    const message = `nodes go ${after.value} s after they came, whatever runs on them, which is not simulated: they stay`;
    const fix = "have nodes drained by spec.overrides.nodes.disruptions";
    ledger.warn({ reason: "NotModelled", ...placeOf(after.from, objectText(ref)), message, fix });
  }
};

/** An image of vLLM, 8 to 10 GB compressed, from a fast registry: 30 to 60 s. */
const PULL = { mean: 45, deviation: 0 };

interface PodParts {
  readonly said: NodesSaid;
  readonly start: SimulationSpec["overrides"]["start"];
  readonly cluster: ObservedCluster;
  readonly budgets: ReadonlyMap<string, BudgetScenario>;
}

const podsOf = (
  { reading, scenario, weightBytes }: WorkloadOnNodes,
  { said, start, cluster, budgets }: PodParts,
  ledger: Ledger,
): PodsOnNodes => {
  const path = `workloads[${scenario.name}].placement`;
  const { group } = reading;
  const { affinity, tolerations, image, evictable, amongPods } = reading.placement;
  for (const from of amongPods) {
    const message = "how pods are spread or kept together is not modelled: nodes are chosen pod by pod";
    ledger.warn({ reason: "NotModelled", ...placeOf(from, objectText(reading.ref)), message });
  }
  if (reading.gpu.claimed && reading.gpu.count !== undefined) {
    const message =
      "claimed devices are simulated as GPUs that a node has as nvidia.com/gpu or amd.com/gpu: what its ResourceSlices offer is not read";
    const place = { object: objectText(reading.ref), field: `${reading.podPath}.resourceClaims` };
    ledger.warn({ reason: "NotModelled", ...place, message, fix: "set gpusPerNode of spec.overrides.nodes.pools" });
  }
  const pull = (name: "mean" | "deviation"): number => {
    // It is part of a start that was measured as a whole.
    if (start?.untilReady !== undefined) return 0;
    const value = start?.imagePull === undefined ? undefined : durationSeconds(start.imagePull[name]);
    const why = "an image of 8 to 10 GB from a fast registry takes 30 to 60 s";
    return ledger.use(
      `${path}.imagePull.${name}Seconds`,
      overridden(value, `overrides.start.imagePull.${name}`) ?? defaulted(PULL[name], why),
    );
  };
  const budget = budgets.get(scenario.name);
  const priority = mirrorPodPriority(reading.placement, reading, cluster, ledger);
  if (priority.preemptionPolicy !== undefined) ledger.use(`${path}.preemptionPolicy`, priority.preemptionPolicy);
  const placement: PodPlacement = {
    gpus: group?.leaderGpus ?? scenario.gpusPerReplica,
    priority: ledger.use(`${path}.priority`, priority.priority),
    ...preemptsOf(priority),
    nodeSelector: reading.gpu.nodeSelector,
    affinity,
    tolerations,
  };
  const workers = group === undefined ? undefined : workersOf(reading, group, cluster, ledger);
  return {
    placement,
    ...(workers === undefined || digestOf(workers) === digestOf(placement) ? {} : { workers }),
    members: group?.size.value ?? 1,
    evictable: ledger.use(`${path}.evictable`, evictable ?? defaulted(true, "no annotation keeps it where it is")),
    image: ledger.use(`${path}.image`, image ?? defaulted(scenario.name, "the container names no image")),
    imagePullSeconds: { mean: pull("mean"), deviation: pull("deviation") },
    weightBytes,
    storage: storageOf(scenario.name, reading.storage.value, said, ledger, path),
    ...(budget === undefined ? {} : { budget }),
  };
};

const workersOf = (
  reading: WorkloadReading,
  { workerGpus, workers }: GroupReading,
  cluster: ObservedCluster,
  ledger: Ledger,
): PodPlacement => {
  const priority = mirrorPodPriority(workers, reading, cluster, ledger);
  return {
    gpus: workerGpus,
    priority: priority.priority.value,
    ...preemptsOf(priority),
    nodeSelector: workers.nodeSelector,
    affinity: workers.affinity,
    tolerations: workers.tolerations,
  };
};

const storageOf = (
  workload: string,
  kind: ModelStorage,
  { modelStorage }: NodesSaid,
  ledger: Ledger,
  path: string,
): ModelStorageScenario => {
  const field = "overrides.nodes.modelStorage";
  const said = overridden(modelStorage?.bandwidthGBs, `${field}.bandwidthGBs`);
  if (said !== undefined && modelStorage !== undefined) {
    ledger.use(`${path}.storage.bandwidthGBs`, said);
    return { name: "models", perNode: modelStorage.scope === "Node", bytesPerSecond: said.value * 1e9 };
  }
  const bytesPerSecond = STORAGE_BYTES_PER_SECOND[kind];
  if (bytesPerSecond === undefined) {
    ledger.use(`${path}.storage.bandwidthGBs`, defaulted(null, "nothing bounds what is downloaded at a time"));
    return { name: workload, perNode: false };
  }
  const why = kind === "node" ? "a disk of the node" : "a network disk, as fast as the fastest loader got it";
  ledger.use(`${path}.storage.bandwidthGBs`, defaulted(Math.round(bytesPerSecond / 1e7) / 100, why));
  return { name: kind === "node" ? "disk" : workload, perNode: kind === "node", bytesPerSecond };
};

const refuseUnknown = (
  disruptions: NonNullable<NodesSaid["disruptions"]>,
  {
    pools,
    workloads,
  }: { readonly pools: readonly { readonly name: string }[]; readonly workloads: readonly WorkloadOnNodes[] },
  ledger: Ledger,
): void => {
  const known = { pool: pools.map(({ name }) => name), workload: workloads.map(({ scenario }) => scenario.name) };
  for (const [index, one] of disruptions.entries()) {
    for (const kind of ["pool", "workload"] as const) {
      const name = one[kind];
      if (name === undefined || known[kind].includes(name)) continue;
      ledger.error({
        reason: "UnknownTarget",
        field: `spec.overrides.nodes.disruptions[${index}].${kind}`,
        message: `there is no ${kind} ${name}`,
        fix: `name one of ${known[kind].join(", ")}`,
      });
    }
  }
};

const disruptionOf = (
  { at, kind, pool, notice, workload }: NonNullable<NodesSaid["disruptions"]>[number],
  workloads: readonly WorkloadOnNodes[],
): DisruptionScenario =>
  kind === "PodCrash"
    ? { atMicros: durationOf(at), kind, workload: workload ?? (workloads[0]?.scenario.name as string) }
    : {
        atMicros: durationOf(at),
        kind,
        noticeMicros: notice === undefined ? 0 : durationOf(notice),
        ...(pool === undefined ? {} : { pool }),
      };
