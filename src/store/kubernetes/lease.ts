import { setTimeout as sleep } from "node:timers/promises";
import { type Log, warnings } from "../log.ts";
import type { KubeObject } from "../store.ts";
import type { Connection } from "./connection.ts";
import { ApiFailure } from "./failure.ts";
import { microTime } from "./micro-time.ts";

export interface ElectionOptions {
  readonly connection: Connection;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this candidate, unlike all others. */
  readonly identity: string;
  /** Called when this one begins to lead; must not throw. */
  readonly onLead: () => void;
  /** Called when the Lease could not be kept; not at a `stop`. It is tried for again after that. */
  readonly onLost: () => void;
  readonly log?: Log;
}

export interface Election {
  readonly isLeader: boolean;
  /** Gives the Lease back, so that another may lead at once. Whoever leads should have stopped acting before. */
  stop(): Promise<void>;
}

/** The figures of client-go and controller-runtime. A leader gives up 5 s before anybody may take its place. */
const LEASE_SECONDS = 15;
const RENEW_DEADLINE_SECONDS = 10;
const RETRY_SECONDS = 2;
const JITTER = 0.2;
/** A request that hangs must not use up the time in which another would succeed. */
const REQUEST_SECONDS = 4;

/**
 * Of several candidates for a coordination.k8s.io/v1 Lease one leads (client-go tools/leaderelection). Writes are
 * compare-and-swap by resourceVersion. How long a foreign Lease still holds is counted on the own clock from when its last
 * change was seen: times in the record are other machines' and are not trusted.
 */
export const electLeader = (options: ElectionOptions): Election => new LeaseElection(options);

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

interface Observed {
  readonly resourceVersion: string;
  readonly spec: LeaseSpec;
  /** On our clock, when this record was first seen. */
  readonly at: number;
}

class LeaseElection implements Election {
  readonly #options: ElectionOptions;
  readonly #path: string;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #observed: Observed | undefined;
  #leads = false;
  /** When the request was sent that last renewed the Lease. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #deadline: NodeJS.Timeout | undefined;
  #lastTold = "";

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(options.namespace)}/leases`;
    this.#running = this.#run();
  }

  /** Also false when the process slept through the deadline and its timers have not run yet. */
  get isLeader(): boolean {
    return this.#leads && now() - this.#renewedAt < RENEW_DEADLINE_SECONDS;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const held = this.isLeader;
    this.#leads = false;
    clearTimeout(this.#deadline);
    if (held) await this.#release().catch((error: unknown) => this.#log("the lease could not be given back", error));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const began = now();
      try {
        if (await this.#try()) this.#renewed(began);
        else if (this.#leads) this.#lost();
      } catch (error) {
        // Another was faster: that is how it is decided.
        if (!(error instanceof ApiFailure && error.status === 409)) this.#log("the lease could not be had", error);
      }
      await sleep(this.#untilNext() * 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The usual period; or sooner, when a foreign Lease ends before: a take-over takes little more than 15 s. */
  #untilNext(): number {
    const jitter = 1 + Math.random() * JITTER;
    const { spec, at } = this.#observed ?? {};
    if (this.#leads || spec === undefined || at === undefined || !isHeld(spec)) return RETRY_SECONDS * jitter;
    const left = at + durationOf(spec) - now();
    return left <= 0 ? RETRY_SECONDS * jitter : Math.min(RETRY_SECONDS * jitter, left + 0.1 * jitter);
  }

  /** @returns whether this one holds the Lease now. @throws where that is not known */
  async #try(): Promise<boolean> {
    if (this.#leads && this.#observed !== undefined) {
      try {
        return await this.#write(this.#observed);
      } catch (error) {
        if (!(error instanceof ApiFailure && (error.status === 409 || error.status === 404))) throw error;
      }
    }
    const found = await this.#read();
    if (found === undefined) return this.#create();
    if (found.spec.holderIdentity !== this.#options.identity && this.#stillHolds(found)) return false;
    return this.#write(found);
  }

  #stillHolds({ spec, at }: Observed): boolean {
    return isHeld(spec) && at + durationOf(spec) > now();
  }

  async #read(): Promise<Observed | undefined> {
    try {
      return this.#see(await this.#ask("GET", this.#own));
    } catch (error) {
      if (error instanceof ApiFailure && error.status === 404) return undefined;
      throw error;
    }
  }

  async #create(): Promise<boolean> {
    const { name, namespace } = this.#options;
    this.#see(
      await this.#ask("POST", this.#path, { ...LEASE, metadata: { name, namespace }, spec: this.#specAfter({}) }),
    );
    return true;
  }

  /** Compare and swap: the API server refuses it with 409 if the record is no longer the one that was read. */
  async #write(found: Observed): Promise<boolean> {
    const { name, namespace } = this.#options;
    const metadata = { name, namespace, resourceVersion: found.resourceVersion };
    this.#see(await this.#ask("PUT", this.#own, { ...LEASE, metadata, spec: this.#specAfter(found.spec) }));
    return true;
  }

  async #release(): Promise<void> {
    const { name, namespace } = this.#options;
    const found = this.#observed;
    if (found === undefined) return;
    const metadata = { name, namespace, resourceVersion: found.resourceVersion };
    const time = microTime(new Date());
    const spec = {
      leaseDurationSeconds: 1,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: found.spec.leaseTransitions ?? 0,
    };
    await this.#ask("PUT", this.#own, { ...LEASE, metadata, spec });
  }

  #specAfter(before: LeaseSpec): LeaseSpec {
    const { identity } = this.#options;
    const time = microTime(new Date());
    const isMine = before.holderIdentity === identity;
    const transitions = before.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_SECONDS,
      acquireTime: isMine ? (before.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: isMine || !("leaseTransitions" in before) ? transitions : transitions + 1,
    };
  }

  #see(answer: unknown): Observed {
    const { metadata, spec } = answer as KubeObject & { spec?: LeaseSpec };
    const isSame = this.#observed !== undefined && JSON.stringify(this.#observed.spec) === JSON.stringify(spec ?? {});
    const at = isSame && this.#observed !== undefined ? this.#observed.at : now();
    this.#observed = { resourceVersion: metadata.resourceVersion ?? "", spec: spec ?? {}, at };
    return this.#observed;
  }

  #ask(method: "GET" | "POST" | "PUT", path: string, body?: unknown): Promise<unknown> {
    return this.#options.connection.ask({
      method,
      path,
      timeoutSeconds: REQUEST_SECONDS,
      ...(body === undefined ? {} : { body }),
    });
  }

  get #own(): string {
    return `${this.#path}/${encodeURIComponent(this.#options.name)}`;
  }

  #renewed(sentAt: number): void {
    // The answer may come after the deadline, when another has been told that this one no longer leads.
    const left = sentAt + RENEW_DEADLINE_SECONDS - now();
    if (left <= 0) return;
    this.#renewedAt = sentAt;
    this.#lastTold = "";
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#lost(), left * 1000);
    if (this.#leads || this.#stopping.signal.aborted) return;
    this.#leads = true;
    this.#options.onLead();
  }

  #lost(): void {
    clearTimeout(this.#deadline);
    if (!this.#leads) return;
    this.#leads = false;
    this.#options.onLost();
  }

  /** The same trouble every two seconds is told once. */
  #log(message: string, error: unknown): void {
    const text = `${message}: ${(error as Error).message}`;
    if (text === this.#lastTold) return;
    this.#lastTold = text;
    const { log = warnings, namespace, name } = this.#options;
    log({ level: "warning", message, lease: `${namespace}/${name}`, error: (error as Error).message });
  }
}

const LEASE = { apiVersion: "coordination.k8s.io/v1", kind: "Lease" };

const isHeld = (spec: LeaseSpec): boolean => (spec.holderIdentity ?? "") !== "";
const durationOf = (spec: LeaseSpec): number => spec.leaseDurationSeconds ?? LEASE_SECONDS;

/** Seconds that never go back. */
const now = (): number => performance.now() / 1000;
