import { Worker } from "node:worker_threads";
import { failureOf, type RunBounds, RunFailure } from "./pool.ts";
import type { ShadowCommand, ShadowMessage } from "./protocol.ts";

/** What its owner sends; series are asked for by `draw`. */
type Sent = Exclude<ShadowCommand, { kind: "draw" }>;
/** What its owner is told. */
export type ShadowNews = Exclude<ShadowMessage, { kind: "all-drawn" }>;

type Start = Extract<ShadowCommand, { kind: "start" }>;
type Scale = Extract<ShadowCommand, { kind: "scale" }>;

interface Started {
  readonly start: Start;
  /** As last written, by workload: a world that begins anew is told again. */
  readonly scales: Map<string, Scale>;
}

/** A thread that dies without a world in turn is waited for ever longer before the next. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 60_000;
/** One that lived so long had nothing wrong with it from the start. */
const SOUND_MS = 60_000;
/** Whoever waits for series has those of the last time then. */
const DRAW_WITHIN_MS = 5000;

/**
 * The thread that holds the paced worlds. If it dies, the world whose turn it was is told as failed; the others begin anew in
 * the next thread.
 */
export class ShadowHost {
  readonly #file: URL;
  readonly #tell: (message: ShadowNews) => void;
  readonly #bounds: Pick<RunBounds, "maxMebibytes">;
  readonly #started = new Map<string, Started>();
  /** Number of the world whose turn it is, written by the thread: the last that is known of it when it dies. */
  readonly #turn = new Int32Array(new SharedArrayBuffer(4));
  readonly #keys = new Map<number, string>();
  #numbers = 0;
  #thread: Worker | undefined;
  #next: NodeJS.Timeout | undefined;
  #deaths = 0;
  /** Under way; several that ask meanwhile share it. */
  #drawing: { readonly done: Promise<void>; readonly end: () => void } | undefined;

  /** @param bounds of all paced worlds together */
  constructor(
    threads: URL,
    tell: (message: ShadowNews) => void,
    bounds: Pick<RunBounds, "maxMebibytes"> = { maxMebibytes: 2048 },
  ) {
    this.#file = new URL("shadow-thread.js", threads);
    this.#tell = tell;
    this.#bounds = bounds;
  }

  send(command: Sent): void {
    switch (command.kind) {
      case "start":
        this.#started.set(command.key, { start: command, scales: new Map() });
        if (this.#thread === undefined && this.#next === undefined) return this.#begin();
        return this.#post(command);
      case "scale":
        this.#started.get(command.key)?.scales.set(command.workload, command);
        return this.#post(command);
      case "stop":
        this.#started.delete(command.key);
        return this.#post(command);
      default:
        return command satisfies never;
    }
  }

  /** Has the series of all worlds told, as they are now; resolves when they are, or after a few seconds without those that are late. */
  draw(): Promise<void> {
    if (this.#thread === undefined) return Promise.resolve();
    if (this.#drawing === undefined) {
      let end = (): void => undefined;
      const done = new Promise<void>((resolve) => {
        end = resolve;
      });
      this.#drawing = { done, end };
      const late = setTimeout(end, DRAW_WITHIN_MS);
      void done.then(() => {
        clearTimeout(late);
        this.#drawing = undefined;
      });
      this.#post({ kind: "draw" });
    }
    return this.#drawing.done;
  }

  async close(): Promise<void> {
    this.#started.clear();
    this.#drawing?.end();
    clearTimeout(this.#next);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #post(command: ShadowCommand): void {
    if (command.kind !== "start") return this.#thread?.postMessage(command);
    this.#numbers += 1;
    this.#keys.set(this.#numbers, command.key);
    this.#thread?.postMessage({ ...command, number: this.#numbers } satisfies ShadowCommand);
  }

  #begin(): void {
    this.#next = undefined;
    this.#keys.clear();
    Atomics.store(this.#turn, 0, 0);
    const began = performance.now();
    const thread = new Worker(this.#file, {
      resourceLimits: { maxOldGenerationSizeMb: this.#bounds.maxMebibytes },
      workerData: { turn: this.#turn },
    });
    this.#thread = thread;
    let cause: unknown;
    thread.on("message", (message: ShadowMessage) => {
      // What a thread told before it was replaced is of worlds that are gone.
      if (this.#thread !== thread) return;
      if (message.kind === "all-drawn") return this.#drawing?.end();
      if (message.kind === "problem") this.#started.delete(message.key);
      this.#tell(message);
    });
    thread.on("error", (error) => {
      cause = error;
    });
    thread.on("exit", (code) => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      if (performance.now() - began > SOUND_MS) this.#deaths = 0;
      this.#died(cause ?? new Error(`worker exited with code: ${code}`));
    });
    for (const { start, scales } of this.#started.values()) {
      this.#post(start);
      for (const scale of scales.values()) this.#post(scale);
    }
  }

  #died(cause: unknown): void {
    this.#drawing?.end();
    const key = this.#keys.get(Atomics.load(this.#turn, 0));
    const failure = failureOf(cause, this.#bounds);
    if (key !== undefined && this.#started.delete(key)) this.#tell({ kind: "problem", key, ...describe(failure) });
    for (const other of this.#started.keys()) this.#tell({ kind: "restarted", key: other });
    if (this.#started.size === 0) return;
    // With each that is named the number of worlds goes down; where none is, only waiting keeps it from dying all the time.
    const wait = key === undefined ? Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#deaths) : 0;
    this.#deaths = key === undefined ? this.#deaths + 1 : 0;
    this.#next = setTimeout(() => this.#begin(), wait);
  }
}

const describe = (failure: unknown): { reason: string; message: string; fix?: string } => {
  if (failure instanceof RunFailure && failure.reason === "OutOfMemory") {
    return {
      reason: failure.reason,
      message: "it was this world's turn when the paced worlds together ran out of memory",
      fix: "mirror fewer replicas or lower the rates, or raise --max-shadow-memory; edit or delete the simulation to begin again",
    };
  }
  const message = `its thread died in this world's turn: ${(failure as Error).message}`;
  return { reason: "WorkerDied", message, fix: "edit or delete the simulation to begin again" };
};
