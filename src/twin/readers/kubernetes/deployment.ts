import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import { type WorkloadReading, workloadReader } from "../../reader.ts";
import { readPodTemplate } from "../pod/pod-template.ts";
import { replicasOf } from "./replicas.ts";
import { readStrategy } from "./rollout-strategy.ts";

/** Reads an apps/v1 Deployment that runs vLLM's OpenAI server. Defaults as the API server's, Kubernetes v1.36. */
export const deployment = workloadReader({
  kind: "Deployment",
  group: "apps",
  summary: "a Deployment whose container runs vLLM's OpenAI-compatible server",
  read: (manifest, cluster) => readDeployment(manifest, cluster),
});

const readDeployment = (manifest: Manifest, cluster: Pick<ObservedCluster, "get">): Result<WorkloadReading> => {
  const problems: Problem[] = [];
  const workload = Field.root(manifest, problems);
  const pods = readPodTemplate({ cluster, workload, template: workload.at("spec", "template") }, problems);
  const strategy = readStrategy(workload.at("spec", "strategy"), problems);
  if (pods === undefined || problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
  return good({ ...pods, ref: refOf(manifest), replicas: replicasOf(workload), strategy }, problems);
};
