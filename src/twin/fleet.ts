import type { ScaleView } from "../controlplane/autoscaler.ts";
import type { OrdinalPod } from "../controlplane/pods/index.ts";
import type { WorkloadView } from "../report/world-view.ts";
import { hash32, type Rng } from "../sim/rng.ts";
import { type SimTime, seconds } from "../sim/time.ts";
import { Pod } from "./pod.ts";
import type { WorkloadScenario } from "./scenario.ts";

/** The pods of one workload. */
export class Fleet {
  readonly workload: WorkloadScenario;
  readonly rng: Rng;
  readonly pods: Pod[] = [];
  specReplicas: number;
  #created = 0;
  /** How many pods have had an ordinal. */
  readonly #incarnations = new Map<number, number>();

  constructor(workload: WorkloadScenario, rng: Rng) {
    this.workload = workload;
    this.rng = rng;
    this.specReplicas = workload.replicas;
  }

  /** @param ordinal counts where pods have one */
  newPod(now: SimTime, ordinal: number): Pod {
    const { workload } = this;
    if (workload.ordinals === undefined) return new Pod(this.#nextName(), workload, now);
    const incarnation = this.#incarnations.get(ordinal) ?? 0;
    this.#incarnations.set(ordinal, incarnation + 1);
    return new Pod(`${workload.name}-${ordinal}`, workload, now, { ordinal, incarnation });
  }

  /** Named like a Deployment's: workload, hash of its template, five characters. */
  #nextName(): string {
    const { name } = this.workload;
    const set = hash32(name).toString(16).padStart(8, "0");
    const suffix = hash32(`${name}/${this.#created}`).toString(36).padStart(7, "0").slice(-5);
    const taken = this.pods.some((pod) => pod.name === `${name}-${set}-${suffix}`);
    this.#created += 1;
    return taken ? this.#nextName() : `${name}-${set}-${suffix}`;
  }

  /** Pods that exist and aren't being deleted. */
  get standing(): Pod[] {
    return this.pods.filter((pod) => pod.phase !== "terminating");
  }

  /** StatefulSets count pods until they are gone (computeReplicaStatus, Kubernetes v1.36), ReplicaSets until they are deleted. */
  get #statusReplicas(): number {
    return this.workload.ordinals === undefined ? this.standing.length : this.pods.length;
  }

  ordinalPods(now: SimTime): readonly OrdinalPod[] {
    return this.pods.map((pod) => ({
      ordinal: pod.identity.ordinal ?? 0,
      ready: this.#isAvailable(pod, now),
      deleting: pod.phase === "terminating",
    }));
  }

  /** Source: IsPodAvailable, pkg/api/v1/pod, Kubernetes v1.36. */
  #isAvailable({ ready, readyChanged }: Pod, now: SimTime): boolean {
    const minReady = seconds(this.workload.minReadySeconds);
    return ready && readyChanged !== undefined && readyChanged + minReady <= now;
  }

  scale(): ScaleView {
    return {
      specReplicas: this.specReplicas,
      statusReplicas: this.#statusReplicas,
      pods: this.pods.map((pod) => pod.view()),
    };
  }

  view(now: SimTime): WorkloadView {
    return {
      namespace: this.workload.namespace,
      kind: this.workload.kind,
      name: this.workload.name,
      specReplicas: this.specReplicas,
      statusReplicas: this.#statusReplicas,
      updatedReplicas: this.standing.length,
      readyReplicas: this.pods.filter((pod) => pod.ready).length,
      availableReplicas: this.pods.filter((pod) => this.#isAvailable(pod, now)).length,
      gpusPerReplica: this.workload.gpusPerReplica,
      gpu: this.workload.hardware.id,
    };
  }
}
