import type { Endpoint } from "../../model/endpoint.ts";
import type { Outcome, RequestHead } from "../../model/request.ts";
import type { Streams } from "../../sim/rng.ts";
import { elapsed, type Micros, micros, NEVER, type SimTime } from "../../sim/time.ts";
import type { AdmissionPolicy, Asked } from "../admission.ts";
import { admissions } from "../admissions/index.ts";
import type { Admitter, Predict } from "../admitter.ts";
import { admitters } from "../admitters/index.ts";
import type { SaturationDetector } from "../detector.ts";
import { detectors } from "../detectors/index.ts";
import { evictionGrace, FlowControl } from "../flow-control/flow-control.ts";
import type { Drop, QueueListener, QueueOutcome } from "../flow-control/queue-listener.ts";
import type { ReclamationCounts } from "../flow-control/reclamation.ts";
import { isSheddable, type PriorityOf, priorityBy } from "../priority.ts";
import { type StageSaturation, saturationByStage } from "../saturation-stages.ts";
import type { FrontGateSaid } from "./index.ts";
import { TenantBudgets } from "./tenant-budgets.ts";

/** What the gate tells the world; of one instant in the order in which it happens. */
export type GateEvent =
  /** To be scheduled now. */
  | { readonly kind: "admitted"; readonly head: RequestHead; readonly priority: number; readonly waited: Micros }
  /** Gone for good. */
  | {
      readonly kind: "refused";
      readonly head: RequestHead;
      readonly priority: number;
      readonly waited: Micros;
      readonly outcome: Extract<Outcome, "shed" | "expired">;
      /** HTTP status that the client gets. */
      readonly status: 429 | 500 | 503;
      readonly reason: string;
    }
  /** A running request is to be cut off where it runs; its `ended` is waited for. */
  | { readonly kind: "revoke"; readonly id: number };

/** What flow control shows of itself. Source: pkg/epp/metrics, llm-d-router (August 2026). */
export interface Fullness {
  readonly saturation: StageSaturation;
  /** Endpoints whose signals are missing or stale, which count as full; left out by detectors that don't look at their age. */
  readonly stale?: { readonly detector: string; readonly endpoints: number };
  /** Flows that are not forgotten; a flow that is takes its series along. */
  readonly flows: readonly { readonly fairnessId: string; readonly priority: number }[];
  /** Shares of a band's bounds that are taken; 0 where it has none. */
  readonly bands: readonly { readonly priority: number; readonly requestsRatio: number; readonly bytesRatio: number }[];
  /** Of the bounds of all bands together; left out where there is none. */
  readonly all: { readonly requestsRatio?: number; readonly bytesRatio?: number };
  /** Where running requests may be cut off for more important ones. */
  readonly reclamation?: ReclamationCounts;
}

export interface FrontGateContext {
  readonly streams: Streams;
  /** Left out: nobody predicts latencies. */
  readonly predict?: Predict;
  /** How often the gateway scrapes, and when it takes a scrape for stale: the EPP's flags of these names. */
  readonly refreshMetricsInterval?: Micros;
  readonly metricsStalenessThreshold?: Micros;
}

const DEFAULT_FLOW = "default-flow";
const NOTHING: GateEvent[] = [];

/**
 * What stands before the scheduler: priority and fairness id of a request, its tenant's budget, then flow control or else the
 * admission policy, then the admitters. Source: llm-d-router (August 2026), pkg/epp/requestcontrol/director.go.
 *
 * The world calls `arrive` for each request, `wake` at `due` (after all else of that instant), `beliefsChanged` after each scrape
 * while `watches`, and whenever an endpoint comes or goes; `started` and `ended` for what it schedules; `cancel` for a client
 * that hangs up. Events that a call leads to come back from it. A request that is in none of them waits in the queue.
 */
export class FrontGate {
  readonly #said: FrontGateSaid;
  readonly #priorityOf: PriorityOf;
  readonly #detector: SaturationDetector;
  readonly #admission: AdmissionPolicy;
  readonly #admitters: readonly Admitter[];
  readonly #budgets: TenantBudgets | undefined;
  readonly #queue: FlowControl | undefined;
  #events = NOTHING;

  constructor(said: FrontGateSaid, context: FrontGateContext) {
    this.#said = said;
    this.#priorityOf = priorityBy(said.priorities.scheme, said.priorities.values);
    this.#detector = detectors.create(said.saturationDetector, {});
    this.#admission = admissions.create(said.admission, { detector: this.#detector });
    this.#admitters = said.admitters.map((one) =>
      admitters.create(one, { rng: context.streams.stream(`gate/${one.type}`), predict: context.predict }),
    );
    if (said.tenantBudgets !== undefined) {
      this.#budgets = new TenantBudgets(said.tenantBudgets.shares, said.tenantBudgets.slots);
    }
    this.#queue = this.#queueFor(context);
  }

  /** What the gate does otherwise than it was told to, for want of something. */
  get notes(): readonly string[] {
    return this.#admitters.flatMap(({ note }) => (note === undefined ? [] : [note]));
  }

  /** Whether it ever looks at scraped signals. */
  get readsSignals(): boolean {
    const first = this.#queue === undefined ? this.#admission.readsSignals : this.#detector.readsSignals;
    return first || this.#admitters.some((one) => one.readsSignals);
  }

  /** Whether it goes by what runs and what waits; else `started` and `ended` come to nothing, and it is never `due`. */
  get keepsCount(): boolean {
    return this.#queue !== undefined || this.#budgets !== undefined;
  }

  /** Whether what is believed of the endpoints matters now, though nobody arrives. */
  get watches(): boolean {
    return this.#queue?.isActive ?? false;
  }

  /** When `wake` is to be called next, after all else of that instant; NEVER: not before something happens. */
  get due(): SimTime {
    return this.#queue?.due ?? NEVER;
  }

  /** How full pool and queue are, as flow control sees them; undefined where it is off. */
  fullness(endpoints: readonly Endpoint[], now: SimTime): Fullness | undefined {
    const queue = this.#queue;
    if (queue === undefined) return undefined;
    const detector = this.#said.saturationDetector.type;
    const { reclamation } = queue;
    return {
      saturation: saturationByStage(this.#detector, endpoints, now),
      ...(detector === "utilization-detector"
        ? { stale: { detector, endpoints: this.#detector.stale(endpoints, now) } }
        : {}),
      flows: queue.bands.flatMap(({ priority, flows }) =>
        [...flows.values()].map(({ id }) => ({ fairnessId: id, priority })),
      ),
      bands: queue.bands.map(({ priority, requests, bytes, maxRequests, maxBytes }) => ({
        priority,
        requestsRatio: maxRequests > 0 ? requests / maxRequests : 0,
        bytesRatio: maxBytes > 0 ? bytes / maxBytes : 0,
      })),
      all: {
        ...(queue.maxRequests > 0 ? { requestsRatio: queue.requests / queue.maxRequests } : {}),
        ...(queue.maxBytes > 0 ? { bytesRatio: queue.bytes / queue.maxBytes } : {}),
      },
      ...(reclamation === undefined ? {} : { reclamation: reclamation.counts }),
    };
  }

  /** Bigger is more important; below 0 it may be shed. */
  priorityOf(head: RequestHead): number {
    return this.#priorityOf(head);
  }

  /** Requests that wait, without those whose clients are gone. */
  get waiting(): number {
    return this.#queue?.waiting ?? 0;
  }

  /**
   * @param endpoints the routable ones, as they are believed to be now
   * @returns undefined: it is admitted, and nothing else comes of it, as mostly without flow control
   */
  arrive(head: RequestHead, endpoints: readonly Endpoint[], now: SimTime): readonly GateEvent[] | undefined {
    const asked = { head, priority: this.#priorityOf(head) };
    if (this.#budgets?.isOver(head.tenant) === true && isSheddable(asked.priority)) {
      this.#refuse(asked, micros(0), "shed", 429, "tenant-budget-shed");
    } else if (this.#queue !== undefined) {
      this.#queue.arrive(asked, this.#flowOf(head), endpoints, now);
    } else {
      const refusal = this.#admission.refusal(asked, endpoints, now);
      if (refusal === undefined && this.#admitters.length === 0) return undefined;
      if (refusal === undefined) this.#admit(asked, micros(0), endpoints);
      else this.#refuse(asked, micros(0), "shed", 429, refusal);
    }
    return this.#told();
  }

  wake(endpoints: readonly Endpoint[], now: SimTime): readonly GateEvent[] {
    this.#queue?.wake(endpoints, now);
    return this.#told();
  }

  /** An endpoint was scraped, has come or is gone. */
  beliefsChanged(endpoints: readonly Endpoint[], now: SimTime): void {
    this.#queue?.beliefsChanged(endpoints, now);
  }

  /** The client of a request hangs up. @returns whether it was waiting here, where it does no longer */
  cancel(id: number, now: SimTime): boolean {
    return this.#queue?.cancel(id, now) ?? false;
  }

  /** A request that was admitted has been sent to an endpoint. */
  started(head: RequestHead, now: SimTime): void {
    this.#budgets?.started(head.tenant);
    this.#queue?.started({ head, priority: this.#priorityOf(head) }, this.#flowOf(head), now);
  }

  /** A request that was `started` has ended there, whatever its outcome. */
  ended(head: RequestHead, outputTokens: number, now: SimTime): void {
    this.#budgets?.ended(head.tenant);
    this.#queue?.ended({ head, priority: this.#priorityOf(head) }, this.#flowOf(head), outputTokens, now);
  }

  #queueFor(context: FrontGateContext): FlowControl | undefined {
    const { flowControl, priorities, saturationDetector } = this.#said;
    if (flowControl === undefined) return undefined;
    return new FlowControl(flowControl, {
      detector: this.#detector,
      priorities: priorities.scheme === "classes" ? [] : [0, ...Object.values(priorities.values)],
      evictionGraceMicros: evictionGrace(
        saturationDetector.type === "concurrency-detector",
        context.refreshMetricsInterval,
        context.metricsStalenessThreshold,
      ),
      listener: this.#listener(),
    });
  }

  #listener(): QueueListener {
    return {
      dispatched: (asked, since, endpoints, now) => {
        this.#admit(asked, elapsed(since, now), endpoints);
      },
      dropped: (drop) => this.#dropped(drop),
      revoked: (id) => this.#tell({ kind: "revoke", id }),
    };
  }

  #flowOf(head: RequestHead): string {
    return head[this.#said.fairnessId] ?? DEFAULT_FLOW;
  }

  /** The admitters have the last word. Whatever one of them says against it, the EPP's client gets a 500. */
  #admit(asked: Asked, waited: Micros, endpoints: readonly Endpoint[]): void {
    for (const one of this.#admitters) {
      const refusal = one.refusal(asked, endpoints);
      if (refusal !== undefined) return this.#refuse(asked, waited, "shed", 500, refusal);
    }
    this.#tell({ kind: "admitted", head: asked.head, priority: asked.priority, waited });
  }

  #dropped({ asked, since, at, outcome, isPoolEmpty }: Drop): void {
    if (outcome === "EvictedContextCancelled") return;
    const waited = elapsed(since, at);
    const isExpiry = outcome === "EvictedTTL" || outcome === "EvictedNoEndpoints";
    this.#refuse(asked, waited, isExpiry ? "expired" : "shed", statusOf(outcome, isPoolEmpty), outcome);
  }

  #refuse(
    { head, priority }: Asked,
    waited: Micros,
    outcome: "shed" | "expired",
    status: 429 | 500 | 503,
    reason: string,
  ): void {
    this.#tell({ kind: "refused", head, priority, waited, outcome, status, reason });
  }

  /** As a rule there is one event, for which a list that grows would have room for seventeen. */
  #tell(event: GateEvent): void {
    if (this.#events.length === 0) this.#events = [event];
    else this.#events.push(event);
  }

  #told(): readonly GateEvent[] {
    const told = this.#events;
    this.#events = NOTHING;
    return told;
  }
}

/** 503 where there is nobody to serve it, 429 where they are busy. Source: pkg/epp/requestcontrol/admission.go `translateFlowControlOutcome`. */
const statusOf = (outcome: QueueOutcome, isPoolEmpty: boolean): 429 | 503 => {
  switch (outcome) {
    case "RejectedNoEndpoints":
    case "EvictedNoEndpoints":
    case "EvictedContextCancelled":
      return 503;
    case "EvictedTTL":
      return isPoolEmpty ? 503 : 429;
    default:
      return 429;
  }
};
