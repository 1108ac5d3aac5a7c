import { setTimeout as sleep } from "node:timers/promises";
import { samplesOf, type WriteBatch } from "../../exporter/remote-write/write-batch.ts";
import type { Receiver } from "./receiver.ts";

/** Room for samples that wait to be sent, shared by all pushes. */
export class Room {
  readonly #samples: number;
  #taken = 0;

  constructor(samples: number) {
    this.#samples = samples;
  }

  /** Samples that wait. */
  get taken(): number {
    return this.#taken;
  }

  fits(samples: number): boolean {
    return this.#taken + samples <= this.#samples;
  }

  take(samples: number): void {
    this.#taken += samples;
  }
}

/** How a push stands, in samples. */
export interface PushState {
  readonly sent: number;
  /** Refused by the receiver for good. */
  readonly failed: number;
  /** Lost, since the receiver was away for longer than there was room. */
  readonly dropped: number;
  readonly pending: number;
  /** Unix milliseconds of the newest sample that was sent. */
  readonly untilMillis: number | undefined;
  /** Why it does not go on; undefined: it does. */
  readonly waitsFor: string | undefined;
  /** What the receiver said when it refused samples, the first time. */
  readonly refusal: string | undefined;
  /** Nothing more comes, and nothing waits. */
  readonly done: boolean;
}

export interface PushParts {
  readonly receiver: Receiver;
  readonly room: Room;
  /** Aborting it forgets what waits. */
  readonly signal: AbortSignal;
  /** Hears of each change of `waitsFor`, `refusal` and `done`, and of the first sample that is dropped. */
  readonly changed: () => void;
  /** Hears of samples as they are sent, refused or dropped. */
  readonly counted?: (what: "sent" | "failed" | "dropped", samples: number) => void;
}

/** Prometheus' own `min_backoff` and `max_backoff` (3.15). */
const BACKOFF_MS = { least: 30, most: 5000 };

/**
 * Sends what one simulation exports to a receiver, request by request in order, for as long as it takes. Whoever gives is kept
 * waiting while there is no room and the receiver works; while that is away, what finds no room is dropped and counted.
 */
export class Push {
  readonly #parts: PushParts;
  readonly #queue: WriteBatch[] = [];
  #sent = 0;
  #failed = 0;
  #dropped = 0;
  #pending = 0;
  #untilMillis: number | undefined;
  #waitsFor: string | undefined;
  #refusal: string | undefined;
  #ended = false;
  #done = false;
  /** Wakes who waits for a change. */
  #wake: () => void = () => undefined;
  #change = this.#nextChange();

  constructor(parts: PushParts) {
    this.#parts = parts;
    parts.signal.addEventListener("abort", () => this.#forget(), { once: true });
    void this.#work().catch((error: unknown) => {
      if (!parts.signal.aborted) throw error;
    });
  }

  get state(): PushState {
    return {
      sent: this.#sent,
      failed: this.#failed,
      dropped: this.#dropped,
      pending: this.#pending,
      untilMillis: this.#untilMillis,
      waitsFor: this.#waitsFor,
      refusal: this.#refusal,
      done: this.#done,
    };
  }

  /** Resolves when the next may be given. */
  async give(batch: WriteBatch): Promise<void> {
    const samples = samplesOf(batch);
    // One request of each push has room always: nobody starves by what waits for others' receivers.
    while (this.#queue.length > 0 && !this.#parts.room.fits(samples) && !this.#parts.signal.aborted) {
      if (this.#waitsFor !== undefined) return this.#drop(samples);
      await this.#change;
    }
    if (this.#parts.signal.aborted) return;
    this.#queue.push(batch);
    this.#hold(samples);
    this.#changed();
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#changed();
  }

  async #work(): Promise<void> {
    const { receiver, signal } = this.#parts;
    let backOffMs = BACKOFF_MS.least;
    for (;;) {
      const [batch] = this.#queue;
      if (batch === undefined) {
        if (this.#ended) break;
        await this.#change;
        signal.throwIfAborted();
        continue;
      }
      const written = await receiver.write(batch, signal);
      signal.throwIfAborted();
      if (written.kind === "later") {
        this.#waitFor(written.message);
        await sleep(Math.max(backOffMs, (written.afterSeconds ?? 0) * 1000), undefined, { signal });
        backOffMs = Math.min(backOffMs * 2, BACKOFF_MS.most);
        continue;
      }
      backOffMs = BACKOFF_MS.least;
      this.#queue.shift();
      this.#hold(-samplesOf(batch));
      this.#count(batch, written.kind === "written" ? samplesOf(batch) : written.written);
      if (written.kind === "refused") this.#refuse(written.message);
      this.#waitFor(undefined);
      this.#changed();
    }
    this.#done = true;
    this.#parts.changed();
  }

  #count(batch: WriteBatch, sent: number): void {
    const failed = samplesOf(batch) - sent;
    this.#sent += sent;
    this.#failed += failed;
    if (sent > 0) this.#parts.counted?.("sent", sent);
    if (failed > 0) this.#parts.counted?.("failed", failed);
    else for (const { points } of batch) this.#untilMillis = Math.max(this.#untilMillis ?? 0, points.at(-1)?.[0] ?? 0);
  }

  #drop(samples: number): void {
    this.#dropped += samples;
    this.#parts.counted?.("dropped", samples);
    if (this.#dropped === samples) this.#parts.changed();
  }

  #refuse(message: string): void {
    if (this.#refusal !== undefined) return;
    this.#refusal = message;
    this.#parts.changed();
  }

  #waitFor(message: string | undefined): void {
    const told = (this.#waitsFor === undefined) !== (message === undefined);
    this.#waitsFor = message;
    this.#changed();
    if (told) this.#parts.changed();
  }

  #hold(samples: number): void {
    this.#pending += samples;
    this.#parts.room.take(samples);
  }

  #forget(): void {
    this.#hold(-this.#pending);
    this.#queue.length = 0;
    this.#changed();
  }

  #changed(): void {
    const wake = this.#wake;
    this.#change = this.#nextChange();
    wake();
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
