import type { SyncMetric } from "../../model/fact.ts";

/** Replica counts that are told apart. */
const MOST_COUNTS = 1000;

/** What the syncs of a run showed of one metric of an autoscaler. */
export class MetricEvidence {
  readonly field: string;
  readonly query: string | undefined;
  name = "";
  source: string | undefined;
  target = 0;
  targetType: SyncMetric["targetType"] = "value";
  syncs = 0;
  /** Syncs without a value. */
  missing = 0;
  /** Of its query, syncs with no element in the answer, and with several. */
  empty = 0;
  several = 0;
  mostElements = 0;
  /** Syncs at which it asked for more than there was. */
  asked = 0;
  seenMin = Number.POSITIVE_INFINITY;
  seenMax = Number.NEGATIVE_INFINITY;
  /** Where it is a total that the controller divides by the replicas: that total. */
  totalMax = Number.NEGATIVE_INFINITY;
  proposalMax = 0;
  /** Whether a total wasn't whole, as a ratio isn't. */
  fractional = false;
  readonly #counts = new Set<number>();

  constructor(field: string, query: string | undefined) {
    this.field = field;
    this.query = query;
  }

  /** Different numbers of replicas at which it had a value. */
  get replicaCounts(): number {
    return this.#counts.size;
  }

  told(metric: SyncMetric, currentReplicas: number): void {
    const { name, source, seen, target, targetType, proposal, elements } = metric;
    this.name = name;
    this.source = source;
    this.target = target;
    this.targetType = targetType;
    this.syncs += 1;
    if (elements === 0) this.empty += 1;
    if (elements !== undefined && elements > 1) this.several += 1;
    this.mostElements = Math.max(this.mostElements, elements ?? 0);
    if (seen === undefined) {
      this.missing += 1;
      return;
    }
    if (proposal !== undefined && proposal > currentReplicas) this.asked += 1;
    this.proposalMax = Math.max(this.proposalMax, proposal ?? 0);
    this.seenMin = Math.min(this.seenMin, seen);
    this.seenMax = Math.max(this.seenMax, seen);
    const total = seen * currentReplicas;
    this.totalMax = Math.max(this.totalMax, total);
    // The controller rounds the share of a replica up to a thousandth.
    if (Math.abs(total - Math.round(total)) > 0.0011 * currentReplicas) this.fractional = true;
    if (this.#counts.size < MOST_COUNTS) this.#counts.add(currentReplicas);
  }
}
