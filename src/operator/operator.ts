import { setImmediate } from "node:timers/promises";
import type { Limits } from "../schema/limits.ts";
import type { ObjectRef, Store } from "../store/store.ts";
import { type PreviewPool, ShadowHost } from "../worker/pool.ts";
import { keyOf, refOfKey } from "./key.ts";
import type { Outcome } from "./outcome.ts";
import { Reconciler } from "./reconcile.ts";
import { type Priority, type QueueWatch, WorkQueue } from "./work-queue.ts";

export interface OperatorParts {
  readonly store: Store;
  readonly pool: PreviewPool;
  /** Folder of the compiled thread files. */
  readonly threads: URL;
  readonly limits: Limits;
  readonly allowedUrls: readonly string[];
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  readonly watch?: OperatorWatch;
}

/** For the operator's own metrics. */
export interface OperatorWatch {
  reconciled?(result: "success" | "error" | "requeue" | "requeue_after", seconds: number): void;
  previewTook?(seconds: number): void;
  readonly queue?: QueueWatch;
}

/** Everything is looked at again after this long, whatever the watches said. */
const RESYNC_SECONDS = 600;

/** Kinds that a simulation reads wherever they stand. */
const ELSEWHERE: ReadonlySet<string> = new Set(["Node", "PodMonitor", "ServiceMonitor", "PrometheusRule"]);

/**
 * Watches a store and keeps every simulation in it as its object says. `lead` begins the work and `rest` ends it,
 * so that of several operators one acts.
 */
export class Operator {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly #parts: OperatorParts;
  readonly #shadows: ShadowHost;
  #stopListening: (() => void) | undefined;
  #resync: NodeJS.Timeout | undefined;
  #leading = false;
  #working = false;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
    this.#shadows = new ShadowHost(parts.threads, (message) => this.reconciler.shadowTold(message));
    this.queue = new WorkQueue(parts.watch?.queue === undefined ? {} : { watch: parts.watch.queue });
    this.reconciler = new Reconciler({
      ...parts,
      shadows: this.#shadows,
      enqueue: (ref) => this.queue.add(keyOf(ref)),
      now: () => new Date(),
      ...(parts.watch?.previewTook === undefined ? {} : { previewTook: parts.watch.previewTook }),
    });
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Every simulation in the store. */
  get simulations(): ReturnType<Store["list"]> {
    return this.#parts.store.list("InferenceSimulation");
  }

  /** Begins to act. The store has been started. */
  lead(): void {
    if (this.#leading) return;
    this.#leading = true;
    this.#stopListening = this.#parts.store.onChange((ref) => this.#changed(ref));
    this.#enqueueAll();
    this.#resync = setInterval(() => this.#enqueueAll("resync"), RESYNC_SECONDS * 1000 * (0.9 + Math.random() * 0.2));
    if (!this.#working) void this.#work();
  }

  /** Stops acting: runs under way are cancelled, nothing is written any more. */
  rest(): void {
    this.#leading = false;
    this.#stopListening?.();
    clearInterval(this.#resync);
    this.reconciler.stopAll();
  }

  async close(): Promise<void> {
    this.rest();
    this.queue.shutDown();
    await Promise.all([this.#shadows.close(), this.#parts.pool.close()]);
  }

  /** A simulation is looked at when it changes, and when anything does that it may have read: most stand in its namespace. */
  #changed(ref: ObjectRef): void {
    if (ref.kind === "InferenceSimulation") return this.queue.add(keyOf(ref));
    for (const { object } of this.simulations) {
      if (ELSEWHERE.has(ref.kind) || (object.metadata.namespace ?? "default") === ref.namespace)
        this.queue.add(keyOf(object.metadata));
    }
  }

  #enqueueAll(priority: Priority = "edit"): void {
    for (const { object } of this.simulations) this.queue.add(keyOf(object.metadata), priority);
  }

  /** One loop for as long as the queue is open: whoever doesn't lead takes keys and lets them be. */
  async #work(): Promise<void> {
    this.#working = true;
    for (;;) {
      const key = await this.queue.next();
      if (key === undefined) return;
      if (!this.#leading) {
        this.queue.done(key);
        continue;
      }
      const began = performance.now();
      let result: "success" | "error" | "requeue" | "requeue_after" = "success";
      try {
        const outcome = await this.reconciler.reconcile(refOfKey(key));
        result = this.#heed(key, outcome);
      } catch (error) {
        result = "error";
        this.#parts.log({
          level: "error",
          message: "reconcile failed",
          simulation: key,
          error: (error as Error).stack,
        });
        this.queue.addAfterFailure(key);
      }
      this.queue.done(key);
      this.#parts.watch?.reconciled?.(result, (performance.now() - began) / 1000);
      // Others in this thread get their turn between two keys, however many wait.
      await setImmediate();
    }
  }

  #heed(key: string, outcome: Outcome): "success" | "requeue" | "requeue_after" {
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
