import { TokenBucket } from "../store/token-bucket.ts";
import { FairLine } from "../worker/fair-line.ts";

/** What somebody has just changed goes before what is looked at again to be on the safe side. */
export type Priority = "edit" | "resync";

/** Time, for tests to hold in their hands. */
export interface QueueClock {
  /** Milliseconds that never go back. */
  now(): number;
  /** @returns calls it off */
  after(milliseconds: number, act: () => void): () => void;
}

/** For the metrics of controller-runtime's names (`workqueue_*`). */
export interface QueueWatch {
  added?(): void;
  retried?(): void;
  /** A key was taken after waiting so long. */
  took?(waitedSeconds: number): void;
  /** The work on a key ended after so long. */
  done?(workedSeconds: number): void;
}

export interface QueueOptions {
  readonly clock?: QueueClock;
  readonly watch?: QueueWatch;
  /** Wait after a key's first failure; it doubles with each one more. */
  readonly firstRetrySeconds?: number;
  readonly longestRetrySeconds?: number;
  /** Over the failures of all keys together. */
  readonly retriesPerSecond?: number;
  readonly retryBurst?: number;
  /** Of a key; groups take turns. Left out: all are of one. */
  readonly groupOf?: (key: string) => string;
}

export interface QueueState {
  /** Keys that wait to be taken. */
  readonly depth: number;
  readonly waiting: Readonly<Record<Priority, number>>;
  /** Of all keys being worked on, added up. */
  readonly unfinishedSeconds: number;
  readonly longestSeconds: number;
}

/** A key that was given out. */
export interface Taken {
  readonly key: string;
  readonly priority: Priority;
  /** Since it was added, or since the delay that it was added with was over. */
  readonly waitedSeconds: number;
}

interface Waiting {
  readonly since: number;
  readonly priority: Priority;
}

interface Delayed {
  readonly at: number;
  readonly priority: Priority;
  readonly cancel: () => void;
}

/**
 * Keys to be worked on, as client-go's workqueue keeps them (util/workqueue, with the figures of controller-runtime): a key
 * waits once however often it is added; it is never worked on twice at the same time, and one that is added meanwhile comes
 * again when it is done. Failures are retried after 5 ms, doubling per key up to 1000 s, and at 10 per second after a
 * burst of 100 over all keys.
 */
export class WorkQueue {
  readonly #clock: QueueClock;
  readonly #watch: QueueWatch;
  readonly #firstRetrySeconds: number;
  readonly #longestRetrySeconds: number;
  readonly #bucket: TokenBucket;
  /** What is to be done: it waits, or is worked on and will wait again. */
  readonly #dirty = new Map<string, Waiting>();
  /** Since when each is worked on. */
  readonly #processing = new Map<string, number>();
  /** Those that wait. */
  readonly #waiting: Record<Priority, FairLine<string>> = { edit: new FairLine(), resync: new FairLine() };
  readonly #groupOf: (key: string) => string;
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((taken: Taken | undefined) => void)[] = [];
  #isShut = false;

  constructor(options: QueueOptions = {}) {
    this.#clock = options.clock ?? realClock;
    this.#watch = options.watch ?? {};
    this.#groupOf = options.groupOf ?? (() => "");
    this.#firstRetrySeconds = options.firstRetrySeconds ?? 0.005;
    this.#longestRetrySeconds = options.longestRetrySeconds ?? 1000;
    this.#bucket = new TokenBucket(options.retriesPerSecond ?? 10, options.retryBurst ?? 100, this.#clock.now() / 1000);
  }

  add(key: string, priority: Priority = "edit"): void {
    if (this.#isShut) return;
    const before = this.#dirty.get(key);
    if (before !== undefined && (before.priority === "edit" || priority === "resync")) return;
    if (before === undefined) this.#watch.added?.();
    this.#dirty.set(key, { since: before?.since ?? this.#clock.now(), priority });
    if (!this.#processing.has(key)) this.#line(key, priority);
  }

  /** Of several delays for a key the shortest counts, and none once it is taken, as in controller-runtime's priority queue. */
  addAfter(key: string, seconds: number, priority: Priority = "edit"): void {
    if (this.#isShut) return;
    if (seconds <= 0) return this.add(key, priority);
    const at = this.#clock.now() + seconds * 1000;
    const before = this.#delayed.get(key);
    if (before !== undefined && before.at <= at) return;
    before?.cancel();
    this.#delay(key, at, priority);
  }

  /** Adds it after a wait that grows with its failures; until `forget` says that all is well. */
  addAfterFailure(key: string): void {
    if (this.#isShut) return;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#watch.retried?.();
    const own = Math.min(this.#longestRetrySeconds, this.#firstRetrySeconds * 2 ** failures);
    this.addAfter(key, Math.max(own, this.#bucket.reserve(this.#clock.now() / 1000)));
  }

  /** Its failures are over: the next one waits as the first did. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often it failed since it was forgotten. */
  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one. Each that is taken must be given back by `done`. @returns undefined after `shutDown` */
  next(): Promise<Taken | undefined> {
    if (this.#isShut) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#serve();
    });
  }

  /** The work on a taken key has ended, well or not. */
  done(key: string): void {
    const began = this.#processing.get(key);
    if (began === undefined) return;
    this.#processing.delete(key);
    this.#watch.done?.((this.#clock.now() - began) / 1000);
    const again = this.#dirty.get(key);
    if (again !== undefined && !this.#isShut) this.#line(key, again.priority);
  }

  /** Nothing is given out any more and nothing taken in; whoever waits for a key gets undefined. */
  shutDown(): void {
    this.#isShut = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#dirty.clear();
    for (const line of Object.values(this.#waiting)) line.clear();
    for (const take of this.#takers.splice(0)) take(undefined);
  }

  get state(): QueueState {
    const now = this.#clock.now();
    const ages = [...this.#processing.values()].map((began) => (now - began) / 1000);
    const waiting = { edit: this.#waiting.edit.size, resync: this.#waiting.resync.size };
    return {
      depth: waiting.edit + waiting.resync,
      waiting,
      unfinishedSeconds: ages.reduce((sum, age) => sum + age, 0),
      longestSeconds: Math.max(0, ...ages),
    };
  }

  #line(key: string, priority: Priority): void {
    const group = this.#groupOf(key);
    this.#waiting.resync.delete(group, key);
    this.#waiting[priority].add(group, key);
    this.#serve();
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const key = this.#waiting.edit.take() ?? this.#waiting.resync.take();
      if (key === undefined) return;
      const now = this.#clock.now();
      const { since, priority } = this.#dirty.get(key) ?? { since: now, priority: "edit" };
      const waitedSeconds = (now - since) / 1000;
      this.#watch.took?.(waitedSeconds);
      this.#dirty.delete(key);
      // It is looked at now, and whoever looks says when it is to be looked at again.
      this.#delayed.get(key)?.cancel();
      this.#delayed.delete(key);
      this.#processing.set(key, now);
      this.#takers.shift()?.({ key, priority, waitedSeconds });
    }
  }

  #delay(key: string, at: number, priority: Priority): void {
    // A longer timer would fire at once: Node keeps its length in 31 bits.
    const wait = Math.min(at - this.#clock.now(), 2 ** 31 - 1);
    const cancel = this.#clock.after(Math.max(0, wait), () => {
      this.#delayed.delete(key);
      if (this.#clock.now() < at) this.#delay(key, at, priority);
      else this.add(key, priority);
    });
    this.#delayed.set(key, { at, priority, cancel });
  }
}

const realClock: QueueClock = {
  now: () => performance.now(),
  after: (milliseconds, act) => {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
};
