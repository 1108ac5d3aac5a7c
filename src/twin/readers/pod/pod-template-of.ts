import type { Problem } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";

export interface FoundTemplate {
  /** undefined: it should stand in an object that isn't there. */
  readonly template: Field | undefined;
  /** The object it stands in. */
  readonly holder: Manifest;
}

/**
 * The template of the pods that answer requests: a workload's own, that of a LeaderWorkerSet's leaders, or that of the object
 * which a Rollout's `workloadRef` names.
 *
 * @param problems where wrong types are told
 */
export const podTemplateOf = (
  manifest: Manifest,
  cluster: Pick<ObservedCluster, "get">,
  problems: Problem[] = [],
): FoundTemplate => {
  const spec = Field.root(manifest, problems).at("spec");
  if (manifest.kind === "LeaderWorkerSet") {
    const templates = spec.at("leaderWorkerTemplate");
    const leader = templates.at("leaderTemplate");
    return { template: leader.present ? leader : templates.at("workerTemplate"), holder: manifest };
  }
  const ref = spec.at("workloadRef");
  if (manifest.kind !== "Rollout" || !ref.present) return { template: spec.at("template"), holder: manifest };
  const holder = cluster.get(String(ref.at("kind").raw), refOf(manifest).namespace, String(ref.at("name").raw));
  return holder === undefined
    ? { template: undefined, holder: manifest }
    : { template: Field.root(holder, problems).at("spec", "template"), holder };
};

/** Labels of those pods, with the ones that a LeaderWorkerSet's controller adds. What is malformed others tell. */
export const podLabelsOf = (
  manifest: Manifest,
  cluster: Pick<ObservedCluster, "get">,
): Readonly<Record<string, string>> => ({
  ...podTemplateOf(manifest, cluster).template?.at("metadata", "labels").texts(),
  ...leaderLabels(manifest),
});

/** Source: kubernetes-sigs/lws v0.9, api/leaderworkerset/v1 (SetNameLabelKey, WorkerIndexLabelKey). The group's index differs by pod. */
export const leaderLabels = ({ kind, metadata }: Manifest): Readonly<Record<string, string>> =>
  kind === "LeaderWorkerSet"
    ? { "leaderworkerset.sigs.k8s.io/name": metadata.name, "leaderworkerset.sigs.k8s.io/worker-index": "0" }
    : {};
