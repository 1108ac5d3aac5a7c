import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import { type GroupReading, type WorkloadReading, workloadReader } from "../../reader.ts";
import { replicasOf } from "../kubernetes/replicas.ts";
import { asksForDevices, readGpu } from "../pod/gpu.ts";
import { readPlacement } from "../pod/placement.ts";
import { type PodTemplateReading, readPodTemplate } from "../pod/pod-template.ts";
import { leaderLabels, podTemplateOf } from "../pod/pod-template-of.ts";

/**
 * Reads a leaderworkerset.x-k8s.io/v1 LeaderWorkerSet: its leader's command is the engine's, its pods' GPUs are one replica's.
 * Source: kubernetes-sigs/lws v0.9, api/leaderworkerset/v1 and pkg/controllers.
 */
export const leaderWorkerSet = workloadReader({
  kind: "LeaderWorkerSet",
  group: "leaderworkerset.x-k8s.io",
  summary: "a LeaderWorkerSet whose leaders run vLLM's OpenAI-compatible server over the pods of their groups",
  read: (manifest, cluster) =>
    new LeaderWorkerSetReader(manifest, cluster).result(podTemplateOf(manifest, cluster).template),
});

const byLws = (why: string) => ({ kind: "default" as const, why: `LeaderWorkerSet: ${why}` });

class LeaderWorkerSetReader {
  readonly #manifest: Manifest;
  readonly #cluster: Pick<ObservedCluster, "get">;
  readonly #problems: Problem[] = [];
  readonly #workload: Field;
  readonly #templates: Field;

  constructor(manifest: Manifest, cluster: Pick<ObservedCluster, "get">) {
    this.#manifest = manifest;
    this.#cluster = cluster;
    this.#workload = Field.root(manifest, this.#problems);
    this.#templates = this.#workload.at("spec", "leaderWorkerTemplate");
  }

  result(found: Field | undefined): Result<WorkloadReading> {
    const problems = this.#problems;
    const template = found === undefined ? this.#templates : Field.inside(found, found.raw, problems);
    const size = this.#size();
    const claims = this.#templates.at("volumeClaimTemplates").items();
    const spansPods = size.value > 1;
    const given = this.#variables(size.value);
    const pods = readPodTemplate(
      { cluster: this.#cluster, workload: this.#workload, template, given, claims, spansPods },
      problems,
    );
    if (pods === undefined) return { ok: false, problems };
    const group = spansPods ? this.#group(size, pods, template) : undefined;
    this.#tellUnmodelled(pods);
    if (problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
    const reading: WorkloadReading = {
      ...pods,
      ref: refOf(this.#manifest),
      labels: { ...pods.labels, ...leaderLabels(this.#manifest) },
      replicas: replicasOf(this.#workload, "LeaderWorkerSet"),
      // Leaders are the pods of a StatefulSet that is Parallel.
      ordinals: known("Parallel", byLws("groups start and stop at once")),
      ...(group === undefined ? {} : { group, gpu: { ...pods.gpu, count: gpusOf(group, pods.gpu.count) } }),
    };
    return good(reading, problems);
  }

  #size(): Known<number> {
    const size = this.#templates.at("size");
    const said = size.whole() ?? known(1, byLws("size is 1"));
    if (said.value < 1) this.#tell("error", "Malformed", size, "size must be equal or greater than 1");
    return said;
  }

  /** As pkg/utils/pod (AddLWSVariables) has them in the first group's leader. */
  #variables(size: number): Readonly<Record<string, string>> {
    const { name, namespace } = refOf(this.#manifest);
    return {
      LWS_LEADER_ADDRESS: `${name}-0.${name}.${namespace}`,
      LWS_GROUP_SIZE: String(size),
      LWS_WORKER_INDEX: "0",
    };
  }

  #group(size: Known<number>, leader: PodTemplateReading, template: Field): GroupReading {
    const worker = this.#templates.at("workerTemplate");
    const pod = worker.at("spec");
    const containers = pod.at("containers").items();
    const container = containers.find(asksForDevices) ?? pod.at("containers", 0);
    // Of a template that leader and workers share, all that is wrong has been told.
    const problems = worker.path === template.path ? [] : this.#problems;
    const { namespace } = refOf(this.#manifest);
    const gpu = readGpu({ pod, container, metadata: [], cluster: this.#cluster, namespace }, problems);
    for (const one of [leader.gpu, gpu].filter(({ claimed, count }) => claimed && count === undefined).slice(0, 1)) {
      const claims = (one === gpu ? pod : template.at("spec")).at("resourceClaims");
      const message = "how many GPUs each pod of a group claims is not known";
      this.#tell("error", "ClaimNotKnown", claims, message, "mirror the ResourceClaimTemplate that it names");
    }
    return {
      size,
      leaderGpus: leader.gpu.count?.value ?? 0,
      workerGpus: gpu.count?.value ?? 0,
      workers: { ...readPlacement(pod, container, worker.at("metadata")), nodeSelector: gpu.nodeSelector },
      workersAfterLeader: this.#startup(template),
    };
  }

  #startup(template: Field): Known<boolean> {
    const policy = this.#workload.at("spec", "startupPolicy");
    if (!policy.present) return known(false, byLws("startupPolicy is LeaderCreated"));
    if (policy.raw !== "LeaderCreated" && policy.raw !== "LeaderReady") {
      const message = `must be LeaderCreated or LeaderReady, not ${JSON.stringify(policy.raw)}`;
      this.#tell("error", "Malformed", policy, message);
    }
    const containers = template.at("spec", "containers").items();
    const isProbed = containers.some((one) => one.at("readinessProbe").present || one.at("startupProbe").present);
    if (policy.raw === "LeaderReady" && isProbed) {
      const message =
        "workers are created when their leader is ready, and vLLM answers probes when its workers are there: no group gets " +
        "ready where a probe asks vLLM; it is simulated as if a leader were ready when its container starts";
      this.#tell("warning", "NeverReady", policy, message, "leave startupPolicy out");
    }
    return known(policy.raw === "LeaderReady", policy.from);
  }

  #tellUnmodelled({ arguments: said }: PodTemplateReading): void {
    const restart = this.#templates.at("restartPolicy");
    if (restart.present && restart.raw !== "RecreateGroupOnPodRestart") {
      const message = `${String(restart.raw)} is not modelled: where a pod fails, the whole group is recreated`;
      this.#tell("warning", "NotModelled", restart, message);
    }
    for (const name of ["exclusive-topology", "subgroup-exclusive-topology"]) {
      const annotation = this.#workload.at("metadata", "annotations", `leaderworkerset.sigs.k8s.io/${name}`);
      const message = "is not modelled: pods of a group go wherever they have room";
      if (annotation.present) this.#tell("warning", "NotModelled", annotation, message);
    }
    for (const flag of ["data-parallel-hybrid-lb", "data-parallel-external-lb"]) {
      const own = said.switch(flag);
      if (own?.value !== true || own.from.kind !== "field") continue;
      const message = `--${flag}: each pod answers requests of its own, which is not modelled; the group is simulated as one engine behind its leader`;
      const { object, field } = own.from;
      this.#problems.push({ severity: "warning", reason: "NotModelled", object, field, message });
    }
  }

  #tell(severity: Problem["severity"], reason: string, field: Field, message: string, fix?: string): void {
    this.#problems.push({ severity, reason, ...field.place, message, ...(fix === undefined ? {} : { fix }) });
  }
}

const gpusOf = (
  { size, leaderGpus, workerGpus }: GroupReading,
  leader: Known<number> | undefined,
): Known<number> | undefined => {
  const workers = size.value - 1;
  const count = leaderGpus + workers * workerGpus;
  if (leader === undefined && workerGpus === 0) return undefined;
  const how = `of a group: the leader's ${leaderGpus}, and ${workerGpus} of each of ${workers} workers`;
  return known(count, { kind: "derived", how });
};
