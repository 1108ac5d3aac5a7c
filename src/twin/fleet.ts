import type { ScaleView } from "../controlplane/autoscaler.ts";
import type { OrdinalPod, RolloutState } from "../controlplane/pods/index.ts";
import type { WorkloadView } from "../report/world-view.ts";
import { hash32, type Rng } from "../sim/rng.ts";
import { type SimTime, seconds } from "../sim/time.ts";
import { Pod } from "./pod.ts";
import type { WorkloadScenario } from "./scenario.ts";

/** Replicas wanted of a new ReplicaSet and of the old ones. */
export interface WantedPods {
  readonly fresh: number;
  readonly old: number;
}

/** The pods of one workload. */
export class Fleet {
  readonly workload: WorkloadScenario;
  readonly rng: Rng;
  readonly pods: Pod[] = [];
  specReplicas: number;
  /** Of its template. */
  revision = 1;
  /** Of the newest ReplicaSet, and of those before it; undefined: no rollout is under way. */
  rolling: WantedPods | undefined;
  #created = 0;
  /** How many pods have had an ordinal. */
  readonly #incarnations = new Map<number, number>();

  constructor(workload: WorkloadScenario, rng: Rng) {
    this.workload = workload;
    this.rng = rng;
    this.specReplicas = workload.replicas;
  }

  /** @param ordinal counts where pods have one; @param revision of the template that it is made of */
  newPod(now: SimTime, ordinal: number, revision: number): Pod {
    const { workload } = this;
    if (workload.ordinals === undefined) {
      return new Pod(this.#nextName(revision), workload, now, { incarnation: 0, revision });
    }
    const incarnation = this.#incarnations.get(ordinal) ?? 0;
    this.#incarnations.set(ordinal, incarnation + 1);
    return new Pod(`${workload.name}-${ordinal}`, workload, now, { ordinal, incarnation, revision });
  }

  /** Named like a Deployment's: workload, hash of its template, five characters. */
  #nextName(revision: number): string {
    const { name } = this.workload;
    const template = revision === 1 ? name : `${name}/${revision}`;
    const set = hash32(template).toString(16).padStart(8, "0");
    const suffix = hash32(`${name}/${this.#created}`).toString(36).padStart(7, "0").slice(-5);
    const taken = this.pods.some((pod) => pod.name === `${name}-${set}-${suffix}`);
    this.#created += 1;
    return taken ? this.#nextName(revision) : `${name}-${set}-${suffix}`;
  }

  /** Pods that exist and aren't being deleted. */
  get standing(): Pod[] {
    return this.pods.filter((pod) => pod.phase !== "terminating");
  }

  /** StatefulSets count pods until they are gone (computeReplicaStatus, Kubernetes v1.36), ReplicaSets until they are deleted. */
  #statusReplicas(): number {
    return this.workload.ordinals === undefined ? this.standing.length : this.pods.length;
  }

  /** Standing pods of the newest template, or of all before it. */
  ofRevision(newest: boolean): Pod[] {
    return this.standing.filter(({ identity }) => (identity.revision === this.revision) === newest);
  }

  /** As the Deployment controller sees it. */
  rolloutState(now: SimTime, { fresh, old }: WantedPods): RolloutState {
    const available = (newest: boolean): number =>
      this.ofRevision(newest).filter((pod) => this.#isAvailable(pod, now)).length;
    return {
      replicas: this.specReplicas,
      fresh: { replicas: fresh, available: available(true) },
      old: {
        replicas: old,
        available: available(false),
        pods: this.pods.filter(({ identity }) => identity.revision !== this.revision).length,
      },
    };
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
      statusReplicas: this.#statusReplicas(),
      pods: this.pods.map((pod) => pod.view()),
    };
  }

  view(now: SimTime): WorkloadView {
    return {
      namespace: this.workload.namespace,
      kind: this.workload.kind,
      name: this.workload.name,
      specReplicas: this.specReplicas,
      statusReplicas: this.#statusReplicas(),
      updatedReplicas: this.ofRevision(true).length,
      readyReplicas: this.pods.filter((pod) => pod.ready).length,
      availableReplicas: this.pods.filter((pod) => this.#isAvailable(pod, now)).length,
      gpusPerReplica: this.workload.gpusPerReplica,
      gpu: this.workload.hardware.id,
    };
  }
}
