import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { Limits } from "../schema/limits.ts";
import type { ObjectRef, Store } from "../store/store.ts";
import { type PreviewPool, type RunBounds } from "../worker/pool.ts";
import { ShadowHost } from "../worker/shadow-host.ts";
import { keyOf, refOfKey } from "./key.ts";
import type { Outcome } from "./outcome.ts";
import type { UrlToken } from "./production-traffic.ts";
import type { Quota } from "./quota.ts";
import { Reconciler } from "./reconcile.ts";
import { Relevance } from "./relevance.ts";
import type { ReportMaps } from "./report-map/report-maps.ts";
import { NO_SPAN, type Span, type SpanAttributes } from "./span.ts";
import type { SweepJobs } from "./sweep/sweep-jobs.ts";
import { type QueueWatch, type Taken, WorkQueue } from "./work-queue.ts";

export interface OperatorParts {
  readonly store: Store;
  readonly pool: PreviewPool;
  /** Folder of the compiled thread files. */
  readonly threads: URL;
  readonly limits: Limits;
  readonly quota: Quota;
  readonly allowedUrls: readonly string[];
  /** Namespaces that every simulation may read, besides its own; `*`: all. */
  readonly mirrorNamespaces: readonly string[];
  /** Simulations that are looked at at the same time. */
  readonly concurrency: number;
  /** How long a run may have no figures before its status says that it runs. Left out: 1. */
  readonly quietSeconds?: number;
  /** Runs that one sweep has in the pool's line at once. */
  readonly sweepRuns: number;
  /** Left out: there is no cluster for Jobs, and sweeps that ask for them run on threads. */
  readonly sweepJobs?: SweepJobs;
  /** Left out: there is no cluster for ConfigMaps. */
  readonly reports?: ReportMaps;
  /** Of all paced worlds together. */
  readonly shadowBounds: Pick<RunBounds, "maxMebibytes">;
  /** Files with tokens for the Prometheus of production. Left out: none. */
  readonly tokens?: readonly UrlToken[];
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  readonly watch?: OperatorWatch;
  /** Begins a trace. Left out: nothing is traced. */
  readonly trace?: (name: string, attributes: SpanAttributes) => Span;
}

export type ReconcileResult = "success" | "error" | "requeue" | "requeue_after";

/** For the operator's own metrics. */
export interface OperatorWatch {
  reconciled?(result: ReconcileResult, seconds: number): void;
  /** A status was refused for good. */
  refused?(): void;
  previewTook?(seconds: number): void;
  /** Samples were sent by remote write, refused or dropped. */
  pushed?(what: "sent" | "failed" | "dropped", samples: number): void;
  readonly queue?: QueueWatch;
}

/** Everything is looked at again after this long, whatever the watches said. */
const RESYNC_SECONDS = 600;
/** What is under way may take so long at the end. */
const DRAIN_SECONDS = 5;

/**
 * Watches a store and keeps every simulation in it as its object says. `lead` begins the work and `rest` ends it,
 * so that of several operators one acts.
 */
export class Operator {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly #parts: OperatorParts;
  readonly #shadows: ShadowHost;
  readonly #loops: Promise<void>[] = [];
  #stopListening: (() => void) | undefined;
  #resync: NodeJS.Timeout | undefined;
  #leading = false;
  #active = 0;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
    this.#shadows = new ShadowHost(parts.threads, (message) => this.reconciler.shadowTold(message), parts.shadowBounds);
    this.queue = new WorkQueue({
      groupOf: (key) => refOfKey(key).namespace,
      ...(parts.watch?.queue === undefined ? {} : { watch: parts.watch.queue }),
    });
    this.reconciler = new Reconciler({
      ...parts,
      shadows: this.#shadows,
      enqueue: (ref) => this.queue.add(keyOf(ref)),
      now: () => new Date(),
      refused: () => parts.watch?.refused?.(),
      previewTook: (seconds) => parts.watch?.previewTook?.(seconds),
      pushed: (what, samples) => parts.watch?.pushed?.(what, samples),
    });
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Simulations that are looked at just now. */
  get active(): number {
    return this.#active;
  }

  /** Has every Shadow's series drawn as they are now. */
  drawShadows(): Promise<void> {
    return this.#shadows.draw();
  }

  /** Every simulation in the store. */
  get simulations(): ReturnType<Store["list"]> {
    return this.#parts.store.list("InferenceSimulation");
  }

  /** Begins to act. The store has been started. */
  lead(): void {
    if (this.#leading) return;
    this.#leading = true;
    const { store, mirrorNamespaces, concurrency } = this.#parts;
    const relevance = new Relevance(store, this.reconciler.held, mirrorNamespaces);
    this.#stopListening = store.onChange((ref) => this.#changed(ref, relevance));
    this.#enqueueAll();
    this.#resync = setInterval(() => this.#enqueueAll(), RESYNC_SECONDS * 1000 * (0.9 + Math.random() * 0.2));
    while (this.#loops.length < concurrency) this.#loops.push(this.#work());
  }

  /** Stops acting: runs under way are cancelled, nothing is written any more. */
  rest(): void {
    this.#stopWork();
    this.reconciler.stopAll();
  }

  /** Ends all work. Of what ran while this one led the status says that it doesn't any more. */
  async close(): Promise<void> {
    const led = this.#leading;
    this.#stopWork();
    this.queue.shutDown();
    await Promise.race([Promise.all(this.#loops), sleep(DRAIN_SECONDS * 1000, undefined, { ref: false })]);
    if (led) await Promise.race([this.reconciler.interrupt(), sleep(DRAIN_SECONDS * 1000, undefined, { ref: false })]);
    this.reconciler.stopAll();
    await Promise.all([this.#shadows.close(), this.#parts.pool.close()]);
  }

  #stopWork(): void {
    this.#leading = false;
    this.#stopListening?.();
    clearInterval(this.#resync);
  }

  #changed(ref: ObjectRef, relevance: Relevance): void {
    for (const key of relevance.concerned(ref)) this.queue.add(key);
  }

  /** Whatever changes comes before them, as before controller-runtime's initial list (`handler.WithLowPriorityWhenUnchanged`, 0.22). */
  #enqueueAll(): void {
    for (const { object } of this.simulations) this.queue.add(keyOf(object.metadata), "resync");
  }

  /** Loops for as long as the queue is open: whoever doesn't lead takes keys and lets them be. */
  async #work(): Promise<void> {
    for (;;) {
      const taken = await this.queue.next();
      if (taken === undefined) return;
      if (this.#leading) await this.#reconcile(taken);
      this.queue.done(taken.key);
      // Others in this thread get their turn between two keys, however many wait.
      await setImmediate();
    }
  }

  async #reconcile({ key, priority, waitedSeconds }: Taken): Promise<void> {
    const began = performance.now();
    const span = this.#parts.trace?.("reconcile", { "servetwin.simulation": key }) ?? NO_SPAN;
    this.#active += 1;
    let result: ReconcileResult;
    try {
      result = this.#heed(key, await this.reconciler.reconcile(refOfKey(key), span));
    } catch (error) {
      result = "error";
      span.fail(error);
      const { stack } = error as Error;
      this.#parts.log({ level: "error", message: "reconcile failed", simulation: key, error: stack });
      this.queue.addAfterFailure(key);
    }
    this.#active -= 1;
    span.set({ "servetwin.result": result });
    span.end();
    const seconds = (performance.now() - began) / 1000;
    this.#parts.log({
      level: "debug",
      message: "reconciled",
      simulation: key,
      priority,
      waitedSeconds,
      result,
      seconds,
    });
    this.#parts.watch?.reconciled?.(result, seconds);
  }

  #heed(key: string, outcome: Outcome): ReconcileResult {
    switch (outcome.kind) {
      case "settled":
        this.queue.forget(key);
        return "success";
      case "again":
        this.queue.forget(key);
        this.queue.addAfter(key, outcome.afterSeconds);
        return "requeue_after";
      case "retry":
        this.queue.addAfterFailure(key);
        return "requeue";
      default:
        return outcome satisfies never;
    }
  }
}
