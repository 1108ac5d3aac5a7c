import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import { type WorkloadReading, workloadReader } from "../../reader.ts";
import { replicasOf } from "../kubernetes/replicas.ts";
import { readPodTemplate } from "../pod/pod-template.ts";
import { podTemplateOf } from "../pod/pod-template-of.ts";

/**
 * Reads a Rollout of Argo Rollouts as a Deployment: its stable pods. Its template stands in itself, or in the Deployment that
 * `workloadRef` names. Defaults as pkg/apis/rollouts/v1alpha1 and utils/defaults of argo-rollouts v1.8 have them.
 */
export const rollout = workloadReader({
  kind: "Rollout",
  group: "argoproj.io",
  summary: "a Rollout of Argo Rollouts whose container runs vLLM's OpenAI-compatible server; its stable pods only",
  read: (manifest, cluster) => readRollout(manifest, cluster),
});

const readRollout = (manifest: Manifest, cluster: Pick<ObservedCluster, "get">): Result<WorkloadReading> => {
  const problems: Problem[] = [];
  const workload = Field.root(manifest, problems);
  const { template } = podTemplateOf(manifest, cluster, problems);
  if (template === undefined) return { ok: false, problems: [...problems, noTemplate(workload)] };
  const pods = readPodTemplate({ cluster, workload, template }, problems);
  if (pods === undefined) return { ok: false, problems };
  problems.push(...strategyProblems(workload.at("spec", "strategy")));
  return good({ ...pods, ref: refOf(manifest), replicas: replicasOf(workload, "Argo Rollouts") }, problems);
};

const noTemplate = (workload: Field): Problem => {
  const ref = workload.at("spec", "workloadRef");
  const [kind, name] = [ref.at("kind").raw, ref.at("name").raw].map(String);
  return {
    severity: "error",
    reason: "TargetNotFound",
    ...ref.place,
    message: `names ${kind} ${name} for its pods' template, which does not exist`,
    fix: "name a Deployment of the same namespace, or give spec.template",
  };
};

const strategyProblems = (strategy: Field): readonly Problem[] => {
  const steps = strategy.at("canary", "steps");
  const blueGreen = strategy.at("blueGreen");
  const told = steps.items().length > 0 ? steps : blueGreen.present ? blueGreen : undefined;
  if (told === undefined) return [];
  const what = told === steps ? "steps of a canary are" : "a second set of pods beside the active one is";
  const message = `${what} not simulated: all replicas are the stable version's`;
  return [{ severity: "warning", reason: "NotModelled", ...told.place, message }];
};
