import { hostname } from "node:os";
import type { Log } from "../log.ts";
import type { ObjectEvent, ObjectRef } from "../store.ts";
import { TokenBucket } from "../token-bucket.ts";
import type { Connection } from "./connection.ts";
import { ApiFailure } from "./failure.ts";
import { microTime } from "./micro-time.ts";

export interface RecorderParts {
  readonly connection: Connection;
  readonly log: Log;
  /** Wall clock; for tests. */
  readonly now?: () => Date;
}

const CONTROLLER = "servetwin.dev/operator";
const PATH = "/apis/events.k8s.io/v1";
/** client-go's spam filter (tools/record/events_cache.go): per object 25 at once, then one every five minutes. */
const BURST = 25;
const PER_SECOND = 1 / 300;
/** client-go forgets what was not repeated for ten minutes. */
const FORGET_SECONDS = 600;
const MOST_KEPT = 4096;
/** client-go's broadcaster drops what doesn't fit into its channel (tools/record/event.go). */
const MOST_WAITING = 1000;
/** The API server's limit, in bytes. */
const NOTE_BYTES = 1024;

interface Kept {
  readonly path: string;
  count: number;
  /** Wall-clock seconds. */
  lastAt: number;
}

/**
 * Tells people by events.k8s.io/v1 Events. One that is repeated (same object, reason and message) becomes a series: its count
 * goes up, no other Event is made. Never throws; what fails is logged.
 */
export class EventRecorder {
  readonly #parts: RecorderParts;
  readonly #now: () => Date;
  readonly #kept = new Map<string, Kept>();
  readonly #buckets = new Map<string, TokenBucket>();
  /** One at a time, so that a repetition finds the Event that it repeats. */
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #made = 0;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => new Date());
  }

  /** @param uid of the object, which `kubectl describe` looks for */
  record(ref: ObjectRef, uid: string | undefined, event: ObjectEvent): Promise<void> {
    if (this.#waiting >= MOST_WAITING) {
      this.#failed(event, `${MOST_WAITING} wait already`);
      return Promise.resolve();
    }
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      try {
        await this.#record(ref, uid, event);
      } catch (error) {
        this.#failed(event, (error as Error).message);
      }
      this.#waiting -= 1;
    });
    return this.#last;
  }

  #failed({ reason }: ObjectEvent, error: string): void {
    this.#parts.log({ level: "warning", message: "event not recorded", reason, error });
  }

  async #record(ref: ObjectRef, uid: string | undefined, event: ObjectEvent): Promise<void> {
    const object = [ref.kind, ref.namespace, ref.name, uid].join("/");
    const key = [object, event.type, event.reason, event.message].join("\n");
    const now = this.#now();
    this.#forget(now.getTime() / 1000);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      kept.count += 1;
      kept.lastAt = now.getTime() / 1000;
    }
    if (!this.#bucketOf(object, now).take(now.getTime() / 1000)) return;
    if (kept !== undefined && (await this.#repeat(kept, now))) return;
    const path = await this.#create(ref, uid, event, now);
    this.#kept.set(key, { path, count: 1, lastAt: now.getTime() / 1000 });
  }

  /** @returns false if the Event is gone: the API server keeps them for an hour */
  async #repeat({ path, count }: Kept, now: Date): Promise<boolean> {
    const body = { series: { count, lastObservedTime: microTime(now) } };
    try {
      await this.#parts.connection.ask({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });
      return true;
    } catch (error) {
      if (error instanceof ApiFailure && error.status === 404) return false;
      throw error;
    }
  }

  async #create(ref: ObjectRef, uid: string | undefined, event: ObjectEvent, now: Date): Promise<string> {
    const namespace = ref.namespace === "" ? "default" : ref.namespace;
    this.#made += 1;
    const name = `${ref.name.slice(0, 200)}.${now.getTime().toString(16)}${process.pid.toString(16)}${this.#made.toString(16)}`;
    const { apiVersion, kind } = ref;
    const at = ref.namespace === "" ? {} : { namespace };
    const path = `${PATH}/namespaces/${encodeURIComponent(namespace)}/events`;
    await this.#parts.connection.ask({
      method: "POST",
      path,
      body: {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name, namespace },
        eventTime: microTime(now),
        reportingController: CONTROLLER,
        reportingInstance: `servetwin-${hostname()}`.slice(0, 128),
        action: "Simulate",
        reason: event.reason.slice(0, 128),
        regarding: { apiVersion, kind, ...at, name: ref.name, ...(uid === undefined ? {} : { uid }) },
        note: cutToBytes(event.message, NOTE_BYTES),
        type: event.type,
      },
    });
    return `${path}/${encodeURIComponent(name)}`;
  }

  #bucketOf(object: string, now: Date): TokenBucket {
    const bucket = this.#buckets.get(object) ?? new TokenBucket(PER_SECOND, BURST, now.getTime() / 1000);
    this.#buckets.delete(object);
    this.#buckets.set(object, bucket);
    return bucket;
  }

  /** Neither objects that come and go nor messages that are never the same make it grow without end. */
  #forget(seconds: number): void {
    for (const [key, { lastAt }] of this.#kept) {
      if (seconds - lastAt < FORGET_SECONDS && this.#kept.size <= MOST_KEPT) break;
      this.#kept.delete(key);
    }
    for (const object of this.#buckets.keys()) {
      if (this.#buckets.size <= MOST_KEPT) break;
      this.#buckets.delete(object);
    }
  }
}

const cutToBytes = (text: string, limit: number): string => {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= limit) return text;
  // A character that was cut in two is left out.
  return `${bytes
    .subarray(0, limit - 3)
    .toString("utf8")
    .replace(/\uFFFD$/, "")}…`;
};
