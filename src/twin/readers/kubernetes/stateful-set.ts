import type { OrdinalPolicy } from "../../../controlplane/pods/index.ts";
import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import { type WorkloadReading, workloadReader } from "../../reader.ts";
import { readPodTemplate } from "../pod/pod-template.ts";
import { replicasOf } from "./replicas.ts";

/** Reads an apps/v1 StatefulSet that runs vLLM's OpenAI server. Defaults as the API server's, Kubernetes v1.36. */
export const statefulSet = workloadReader({
  kind: "StatefulSet",
  group: "apps",
  summary: "a StatefulSet whose container runs vLLM's OpenAI-compatible server",
  read: (manifest, cluster) => readStatefulSet(manifest, cluster),
});

const readStatefulSet = (manifest: Manifest, cluster: Pick<ObservedCluster, "get">): Result<WorkloadReading> => {
  const problems: Problem[] = [];
  const workload = Field.root(manifest, problems);
  const spec = workload.at("spec");
  const ordinals = policyOf(spec.at("podManagementPolicy"), problems);
  const start = spec.at("ordinals", "start");
  if ((start.whole()?.value ?? 0) > 0) {
    const message = "pods are simulated as if their ordinals began at 0: their names differ";
    problems.push({ severity: "warning", reason: "NotModelled", ...start.place, message });
  }
  const claims = spec.at("volumeClaimTemplates").items();
  const pods = readPodTemplate({ cluster, workload, template: spec.at("template"), claims }, problems);
  if (pods === undefined || ordinals === undefined) return { ok: false, problems };
  return good({ ...pods, ref: refOf(manifest), replicas: replicasOf(workload), ordinals }, problems);
};

const POLICIES: readonly OrdinalPolicy[] = ["OrderedReady", "Parallel"];

const policyOf = (field: Field, problems: Problem[]): Known<OrdinalPolicy> | undefined => {
  if (!field.present) {
    return known("OrderedReady", { kind: "default", why: "Kubernetes: podManagementPolicy is OrderedReady" });
  }
  const policy = POLICIES.find((one) => one === field.raw);
  if (policy !== undefined) return known(policy, field.from);
  const message = `must be ${POLICIES.join(" or ")}, not ${JSON.stringify(field.raw)}`;
  problems.push({ severity: "error", reason: "Malformed", ...field.place, message });
  return undefined;
};
