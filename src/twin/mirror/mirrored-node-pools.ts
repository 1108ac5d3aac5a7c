import type { Taint } from "../../controlplane/nodes/index.ts";
import { durationSeconds } from "../../model/duration.ts";
import { type Known, known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { NodePoolReading, NodeReading, Reader } from "../reader.ts";
import { nodePoolReaders, nodeReaders } from "../readers/index.ts";
import { GPU_LABELS, gpuNameOf } from "../readers/pod/gpu.ts";
import type { NodePoolScenario } from "../scenario.ts";

type NodesSaid = NonNullable<SimulationSpec["overrides"]["nodes"]>;
type PoolSaid = NonNullable<NodesSaid["pools"]>[number];

/** From the request of a machine with GPUs until they are allocatable: 2 to 6 minutes in the clouds. */
const PROVISION = { mean: 240, deviation: 60 };

/** Where nothing bounds a pool: Karpenter without limits. */
const UNBOUNDED = 10_000;

/** What is mirrored of one pool. */
interface PoolFound {
  readonly nodes: readonly NodeReading[];
  readonly asked: NodePoolReading | undefined;
}

/** Karpenter's NodePools of the cluster. */
export const readNodePools = (cluster: ObservedCluster, ledger: Ledger): readonly NodePoolReading[] =>
  readAll(nodePoolReaders[0], cluster, ledger);

const readAll = <Said>(reader: Reader<Said>, cluster: ObservedCluster, ledger: Ledger): readonly Said[] =>
  cluster.list(reader.kind).flatMap((manifest) => {
    const read = reader.read(manifest);
    ledger.read(manifest);
    ledger.problems.push(...(read.ok ? read.warnings : read.problems));
    return read.ok ? [read.value] : [];
  });

/** Pools as they are said, filled in with what is mirrored of them; or those that are mirrored. */
export const mirrorNodePools = (
  { pools }: NodesSaid,
  {
    cluster,
    asked,
    grows,
  }: { readonly cluster: ObservedCluster; readonly asked: readonly NodePoolReading[]; readonly grows: boolean },
  ledger: Ledger,
): readonly NodePoolScenario[] => {
  const found = findPools(readAll(nodeReaders[0], cluster, ledger), asked);
  const said = pools ?? [...found.keys()].map((name): PoolSaid => ({ name }));
  if (said.length === 0) {
    const message = "there are no pools of nodes: none are given, and no mirrored node has GPUs";
    const fix = "set spec.overrides.nodes.pools";
    ledger.error({ reason: "NoNodes", field: "spec.overrides.nodes", message, fix });
  }
  return said.flatMap((pool, index) => {
    const field = pools === undefined ? undefined : `overrides.nodes.pools[${index}]`;
    return poolOf(pool, field, found.get(pool.name) ?? { nodes: [], asked: undefined }, grows, ledger) ?? [];
  });
};

const findPools = (
  nodes: readonly NodeReading[],
  asked: readonly NodePoolReading[],
): ReadonlyMap<string, PoolFound> => {
  const found = new Map<string, PoolFound>(asked.map((one) => [one.ref.name, { nodes: [], asked: one }]));
  for (const node of nodes) {
    if (node.gpus.value === 0 || !node.schedulable) continue;
    const name = node.pool?.value ?? unnamed(node);
    const there = found.get(name) ?? { nodes: [], asked: undefined };
    found.set(name, { ...there, nodes: [...there.nodes, node] });
  }
  return found;
};

/** Nodes without a pool are alike if their GPUs are. */
const unnamed = ({ labels, gpus }: NodeReading): string => {
  const label = GPU_LABELS.find((name) => labels[name] !== undefined);
  const type = label === undefined ? "gpu" : gpuNameOf(label, labels[label] as string);
  return `${type.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}-x${gpus.value}`;
};

const poolOf = (
  said: PoolSaid,
  field: string | undefined,
  { nodes, asked }: PoolFound,
  grows: boolean,
  ledger: Ledger,
): NodePoolScenario | undefined => {
  const path = `nodes.pools[${said.name}]`;
  const own = <T>(value: T | undefined, name: string): Known<T> | undefined =>
    field === undefined ? undefined : overridden(value, `${field}.${name}`);
  const [first] = nodes;
  const gpus = own(said.gpusPerNode, "gpusPerNode") ?? first?.gpus;
  if (gpus === undefined) {
    return ledger.error({
      reason: "UnknownNodeSize",
      ...(field === undefined ? { object: `NodePool/${said.name}` } : { field: `spec.${field}.gpusPerNode` }),
      message: `nothing tells how many GPUs a node of pool ${said.name} has: no node of it is mirrored`,
      fix: "set gpusPerNode of the pool in spec.overrides.nodes.pools",
    });
  }
  const gpusPerNode = ledger.use(`${path}.gpusPerNode`, gpus);
  const minNodes = ledger.use(
    `${path}.minNodes`,
    own(said.minNodes, "minNodes") ?? defaulted(0, "as few as are needed"),
  );
  const there =
    own(said.nodes, "nodes") ??
    (nodes.length > 0
      ? derived(nodes.length, `nodes of it that take pods, such as ${objectText((first as NodeReading).ref)}`)
      : defaulted(minNodes, "minNodes"));
  const count = ledger.use(`${path}.nodes`, there);
  const most =
    own(said.maxNodes, "maxNodes") ?? limitOf(asked, gpusPerNode) ?? mostOf(count, grows, asked, ledger, said, field);
  const maxNodes = ledger.use(`${path}.maxNodes`, most);
  const price = own(said.pricePerGpuHour, "pricePerGpuHour");
  return {
    name: said.name,
    gpusPerNode,
    minNodes,
    nodes: count,
    maxNodes: Math.max(maxNodes, count),
    labels: said.labels ?? { ...first?.labels, ...asked?.labels },
    taints: said.taints === undefined ? (asked?.taints ?? first?.taints ?? []) : said.taints.map(plainTaint),
    weight: ledger.use(`${path}.weight`, own(said.weight, "weight") ?? asked?.weight ?? defaulted(0, "Karpenter: 0")),
    provisionSeconds: provisionOf(said, field, ledger, path),
    ...(price === undefined ? {} : { pricePerGpuHour: ledger.use(`${path}.pricePerGpuHour`, price) }),
  };
};

const plainTaint = ({ key, value, effect }: NonNullable<PoolSaid["taints"]>[number]): Taint => ({
  key,
  effect,
  ...(value === undefined ? {} : { value }),
});

const provisionOf = ({ provisioning }: PoolSaid, field: string | undefined, ledger: Ledger, path: string) => {
  const of = (name: "mean" | "deviation", otherwise: number): number => {
    const value = provisioning === undefined ? undefined : durationSeconds(provisioning[name]);
    const why = "a machine with GPUs comes in 2 to 6 min in the clouds";
    const said = overridden(value, `${field}.provisioning.${name}`) ?? defaulted(otherwise, why);
    return ledger.use(`${path}.provisioning.${name}Seconds`, said);
  };
  return { mean: of("mean", PROVISION.mean), deviation: of("deviation", PROVISION.deviation) };
};

const limitOf = (asked: NodePoolReading | undefined, gpusPerNode: number): Known<number> | undefined => {
  const gpus = asked?.gpuLimit;
  const byGpus = gpus === undefined ? undefined : known(Math.floor(gpus.value / gpusPerNode), gpus.from);
  const byNodes = asked?.nodeLimit;
  if (byGpus === undefined || byNodes === undefined) return byGpus ?? byNodes;
  return byGpus.value < byNodes.value ? byGpus : byNodes;
};

/** @param asked where Karpenter asks for them: without limits it goes on */
const mostOf = (
  count: number,
  grows: boolean,
  asked: NodePoolReading | undefined,
  ledger: Ledger,
  { name }: PoolSaid,
  field: string | undefined,
): Known<number> => {
  if (!grows) return defaulted(count, "nobody asks for more");
  if (asked !== undefined) return defaulted(UNBOUNDED, "the NodePool has no limits");
  ledger.error({
    reason: "UnknownMaxNodes",
    field: `spec.${field ?? "overrides.nodes.pools"}`,
    message: `nothing tells how many nodes pool ${name} may have at most`,
    fix: "set maxNodes of the pool in spec.overrides.nodes.pools",
  });
  return defaulted(count, "unknown");
};
