import { describeProblem, type Problem } from "../../model/problem.ts";
import { Mirror } from "../mirror.ts";
import type { KubeObject, ObjectRef, WatchedKind } from "../store.ts";
import { Backoff, pause } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { ApiFailure, messageOf } from "./failure.ts";
import { kindPath } from "./paths.ts";

export interface ReflectorParts {
  readonly connection: Connection;
  readonly kind: WatchedKind;
  /** Left out: of all namespaces. */
  readonly namespace?: string;
  /** An object was added, changed or deleted. */
  readonly changed: (ref: ObjectRef) => void;
  /** `problem` is another now. */
  readonly problemChanged: () => void;
  /** How often a kind that the cluster does not have is looked for; default 60. */
  readonly absentSeconds?: number;
}

const PAGE = 500;
/** client-go lets the server end a watch after 5 to 10 minutes; bookmarks come about every minute. */
const WATCH_SECONDS = 290;
const SILENT_SECONDS = 150;
const ABSENT_SECONDS = 60;
const FORBIDDEN_SECONDS = 30;
/** A watch that lasted so long, or said anything, was a good one. */
const GOOD_WATCH_SECONDS = 5;

/**
 * Keeps a mirror of one kind by list and watch, whatever happens to the connection: after every failure it lists or watches
 * again, as client-go's reflector does, and what was deleted meanwhile is told too.
 */
export class Reflector {
  readonly mirror = new Mirror();
  /** Resolves at the first answer: the list, or that there is no such kind. */
  readonly answered: Promise<void>;
  readonly kind: WatchedKind;
  readonly namespace: string | undefined;
  readonly #parts: ReflectorParts;
  readonly #backoff = new Backoff(0.5, 30);
  #answer: () => void = () => undefined;
  #isAnswered = false;
  #problem: Problem | undefined;
  /** Where to watch on; undefined when a list is due. */
  #version: string | undefined;
  /** Lists that began because a version was too old, since the last good watch. */
  #expired = 0;

  constructor(parts: ReflectorParts) {
    this.#parts = parts;
    this.kind = parts.kind;
    this.namespace = parts.namespace;
    this.answered = new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Why the mirror is not up to date. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** Ends, silently, when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let seconds = 0;
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) break;
        seconds = this.#heed(error);
      }
      if (seconds > 0) await pause(seconds, signal);
    }
  }

  /** Takes in what a write of ours returned, so that the next read sees it; the watch may have been faster. */
  acknowledge(object: KubeObject): void {
    const { namespace = "", name, uid } = object.metadata;
    const current = this.mirror.get(namespace, name)?.object.metadata;
    if (current?.uid === uid && !isOlder(object.metadata, current))
      this.mirror.set({ object: slim(object, this.kind) });
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { items, version } = await this.#allPages(signal, PAGE);
    const found = new Set<string>();
    for (const item of items) {
      const { namespace = "", name, resourceVersion } = item.metadata;
      found.add(`${namespace}/${name}`);
      const before = this.mirror.get(namespace, name)?.object.metadata;
      this.mirror.set({ object: item });
      if (before?.uid !== item.metadata.uid || before?.resourceVersion !== resourceVersion) this.#changed(item);
    }
    this.#forgetAllBut(found);
    this.#version = version;
    this.#settle(undefined);
  }

  async #allPages(signal: AbortSignal, limit: number): Promise<{ items: KubeObject[]; version: string }> {
    const { connection, kind, namespace } = this.#parts;
    const items: KubeObject[] = [];
    let [version, token] = ["", ""];
    do {
      let page: ListPage;
      try {
        const query = { ...(limit > 0 ? { limit } : {}), ...(token === "" ? {} : { continue: token }) };
        page = (await connection.ask({
          method: "GET",
          path: kindPath(kind, namespace),
          query,
          signal,
          timeoutSeconds: 60,
        })) as ListPage;
      } catch (error) {
        // Between two pages the version of the first became too old: all at once then, as client-go does.
        if (token !== "" && error instanceof ApiFailure && error.status === 410) return this.#allPages(signal, 0);
        throw error;
      }
      for (const item of page.items ?? []) items.push(slim(item, kind));
      if (version === "") version = page.metadata?.resourceVersion ?? "";
      token = page.metadata?.continue ?? "";
    } while (token !== "");
    return { items, version };
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { connection, kind, namespace } = this.#parts;
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: this.#version,
      timeoutSeconds: Math.round(WATCH_SECONDS * (0.9 + Math.random() * 0.2)),
    };
    const ask = { method: "GET", path: kindPath(kind, namespace), query, signal } as const;
    const began = performance.now();
    let heard = false;
    for await (const line of connection.lines(ask, SILENT_SECONDS)) {
      if (line === "") {
        this.#settle(undefined);
        continue;
      }
      this.#hear(JSON.parse(line) as WatchEvent);
      if (!heard) this.#isWell();
      heard = true;
    }
    if (heard || performance.now() - began > GOOD_WATCH_SECONDS * 1000) return this.#isWell();
    throw new Error("the watch ended at once and said nothing");
  }

  #hear({ type, object }: WatchEvent): void {
    switch (type) {
      case "ADDED":
      case "MODIFIED":
        if (
          !isOlder(
            object.metadata,
            this.mirror.get(object.metadata.namespace ?? "", object.metadata.name)?.object.metadata,
          )
        ) {
          this.mirror.set({ object: slim(object, this.kind) });
        }
        this.#changed(object);
        break;
      case "DELETED":
        this.mirror.delete(object.metadata.namespace ?? "", object.metadata.name);
        this.#changed(object);
        break;
      case "BOOKMARK":
        break;
      case "ERROR":
        throw new ApiFailure(Number((object as unknown as { code?: number }).code ?? 500), messageOf(object));
      default:
        throw new Error(`the watch told of a ${String(type)}, which is nothing that watches tell`);
    }
    this.#version = object.metadata.resourceVersion ?? this.#version;
  }

  /** @returns seconds to wait before going on */
  #heed(error: unknown): number {
    const failure = error instanceof ApiFailure ? error : undefined;
    const wasListing = this.#version === undefined;
    if (failure?.status === 404 && wasListing) return this.#isAbsent();
    if (failure?.status === 410) {
      this.#version = undefined;
      this.#expired += 1;
      return this.#expired === 1 ? 0 : this.#backoff.next();
    }
    // From where the watch stood it goes on after a cut or a pause; whatever else is wrong with it, a list makes good.
    if (failure !== undefined && failure.status !== 429 && failure.status !== 503) this.#version = undefined;
    if (error instanceof SyntaxError) this.#version = undefined;
    const wait = Math.max(this.#backoff.next(), failure?.retryAfterSeconds ?? 0);
    const isForbidden = failure?.status === 403;
    if (wasListing || this.#backoff.failures >= 3) this.#settle(this.#problemOf(error as Error, isForbidden));
    return isForbidden ? Math.max(wait, FORBIDDEN_SECONDS) : wait;
  }

  #isAbsent(): number {
    this.#forgetAllBut(new Set());
    this.#settle(undefined);
    return (this.#parts.absentSeconds ?? ABSENT_SECONDS) * (0.9 + Math.random() * 0.2);
  }

  #isWell(): void {
    this.#backoff.reset();
    this.#expired = 0;
    this.#settle(undefined);
  }

  /** A kind that we can do without has answered when it is forbidden. */
  #settle(problem: Problem | undefined): void {
    if (problem === undefined || problem.severity === "warning") {
      this.#isAnswered = true;
      this.#answer();
    }
    const isNews = (problem && describeProblem(problem)) !== (this.#problem && describeProblem(this.#problem));
    this.#problem = problem;
    if (isNews) this.#parts.problemChanged();
  }

  #problemOf(error: Error, isForbidden: boolean): Problem {
    const { kind, namespace } = this.#parts;
    const place = namespace === undefined ? "" : ` in namespace ${namespace}`;
    return {
      severity: isForbidden && kind.optional === true ? "warning" : "error",
      reason: isForbidden ? "Forbidden" : "CannotWatch",
      message: `${kind.plural}${place} can't be listed and watched: ${error.message}`,
      ...(isForbidden ? { fix: `grant get, list and watch on ${kind.plural}` } : {}),
    };
  }

  #forgetAllBut(found: ReadonlySet<string>): void {
    for (const { object } of this.mirror.list()) {
      const { namespace = "", name } = object.metadata;
      if (found.has(`${namespace}/${name}`)) continue;
      this.mirror.delete(namespace, name);
      this.#changed(object);
    }
  }

  #changed({ metadata }: KubeObject): void {
    const { apiVersion, kind } = this.kind;
    this.#parts.changed({ apiVersion, kind, namespace: metadata.namespace ?? "", name: metadata.name });
  }
}

interface ListPage {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubeObject;
}

type Metadata = KubeObject["metadata"];

/** Of the same object; versions can be compared as numbers (Kubernetes 1.35 promises it, etcd always had it so). */
const isOlder = (one: Metadata, other: Metadata | undefined): boolean => {
  if (other === undefined || one.uid !== other.uid) return false;
  const [a, b] = [one.resourceVersion, other.resourceVersion];
  return a !== undefined && b !== undefined && /^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) < BigInt(b);
};

/** Items of built-in lists don't say what they are; managedFields are half of an object and of no use here. */
const slim = (object: KubeObject, { apiVersion, kind }: WatchedKind): KubeObject => {
  const { managedFields: _, ...metadata } = object.metadata as Metadata & { managedFields?: unknown };
  return { ...object, apiVersion, kind, metadata };
};
