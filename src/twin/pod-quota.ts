import { createDelay } from "../controlplane/pods/index.ts";
import { after, type SimTime } from "../sim/time.ts";
import type { QuotaScenario } from "./scenario.ts";

interface Retry {
  /** In a row. */
  readonly failures: number;
  /** When its controller looks again, if nothing happens before. */
  readonly at: SimTime;
}

/**
 * What ResourceQuotas let be created. A pod counts until it is gone. Who is refused tries again after ever longer waits, and
 * when pods of its own change; that another workload has given something back it doesn't notice.
 *
 * Source: plugin/pkg/admission/resourcequota, pkg/quota/v1/evaluator/core/pods.go and syncReplicaSet in
 * pkg/controller/replicaset, Kubernetes v1.36.
 */
export class PodQuota {
  readonly #quotas: readonly QuotaScenario[];
  readonly #replicasOf: (workload: string) => number;
  readonly #retries = new Map<string, Retry>();

  /** @param replicasOf replicas of a workload that are not gone */
  constructor(quotas: readonly QuotaScenario[], replicasOf: (workload: string) => number) {
    this.#quotas = quotas;
    this.#replicasOf = replicasOf;
  }

  /** The quota that has no room for another replica of a workload; undefined: it may be created. */
  refusing(workload: string): QuotaScenario | undefined {
    return this.#quotas.find(({ hard, perReplica }) => {
      const asked = perReplica[workload];
      return asked !== undefined && asked > 0 && this.#used(perReplica) + asked > hard;
    });
  }

  /** Whether its controller still owes pods. */
  owes(workload: string): boolean {
    return this.#retries.has(workload);
  }

  /** Its pods were refused once more. @returns when to try again; an earlier time that was set before holds */
  refused(workload: string, now: SimTime): { readonly at: SimTime; readonly isNew: boolean } {
    const { failures, at } = this.#retries.get(workload) ?? { failures: 0, at: now };
    const next = after(now, createDelay(failures));
    const keeps = at > now && at < next;
    this.#retries.set(workload, { failures: failures + 1, at: keeps ? at : next });
    return keeps ? { at, isNew: false } : { at: next, isNew: true };
  }

  /** It has all the pods that it wants. */
  settled(workload: string): void {
    this.#retries.delete(workload);
  }

  #used(perReplica: QuotaScenario["perReplica"]): number {
    return Object.entries(perReplica).reduce((sum, [name, each]) => sum + each * this.#replicasOf(name), 0);
  }
}
