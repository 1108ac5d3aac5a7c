import { known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type NodeReading, nodeReader } from "../../reader.ts";
import { GPU_RESOURCES } from "../pod/gpu.ts";
import { readTaints } from "../pod/placement.ts";

/** Labels by which pools of the clouds' node groups and of Karpenter name themselves. */
const POOL_LABELS = [
  "karpenter.sh/nodepool",
  "cloud.google.com/gke-nodepool",
  "eks.amazonaws.com/nodegroup",
  "kubernetes.azure.com/agentpool",
  "agentpool",
];

/** Of one node only: they say nothing of another of its pool. */
const OWN_LABELS = ["kubernetes.io/hostname", "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

/** Taints that the node controller sets while something is wrong, and that go with it. */
const PASSING = /^node\.kubernetes\.io\/|^node\.cloudprovider\.kubernetes\.io\//;

/** Reads a core/v1 Node: its GPUs, labels, taints and pool. */
export const node = nodeReader({
  kind: "Node",
  group: "",
  summary: "a Node, whose GPUs pods are placed on",
  read: (manifest) => readNode(manifest),
});

const readNode = (manifest: Manifest): Result<NodeReading> => {
  const problems: Problem[] = [];
  const root = Field.root(manifest, problems);
  const labels = root.at("metadata", "labels");
  const pool = POOL_LABELS.map((name) => labels.at(name)).find((label) => label.present);
  const resource = GPU_RESOURCES.map((name) => root.at("status", "allocatable", name)).find((one) => one.present);
  const gpus = Number(resource?.raw ?? 0);
  const ready = root
    .at("status", "conditions")
    .items()
    .find((condition) => condition.at("type").raw === "Ready");
  const reading: NodeReading = {
    ref: refOf(manifest),
    pool: pool?.text(),
    gpus: known(Number.isSafeInteger(gpus) ? gpus : 0, (resource ?? root.at("status", "allocatable")).from),
    labels: Object.fromEntries(Object.entries(labels.texts()).filter(([key]) => !OWN_LABELS.includes(key))),
    taints: readTaints(root.at("spec", "taints")).filter(({ key }) => !PASSING.test(key)),
    schedulable: root.at("spec", "unschedulable").raw !== true && ready?.at("status").raw !== "False",
  };
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};
