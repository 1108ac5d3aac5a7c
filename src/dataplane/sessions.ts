import * as z from "zod";
import type { RequestHead } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import type { Ask, Placed } from "./ask.ts";

/** Parameters that session affinity takes as scorer and as filter (llm-d-router v0.9). */
export const sessionParams = () =>
  z.object({
    strategy: z
      .enum(["encoded_endpoint_header", "session_id"])
      .default("encoded_endpoint_header")
      .meta({ description: "Whether the client sends back the endpoint's name, or the router remembers it." }),
    encodedEndpointHeaderConfig: z
      .strictObject({ header: z.string().optional().meta({ description: "Name of the header." }) })
      .default({})
      .meta({ description: "For encoded_endpoint_header." }),
    sessionIdConfig: z
      .strictObject({
        sources: z
          .array(
            z.strictObject({
              header: z.string().optional().meta({ description: "Name of a header." }),
              attribute: z.string().optional().meta({ description: "Name of a producer's attribute." }),
              producer: z.string().optional().meta({ description: "That producer." }),
            }),
          )
          .optional()
          .meta({ description: "Where a session's id is found." }),
        evictionTtlSeconds: z
          .number()
          .min(0)
          .default(300)
          .meta({ description: "Sessions idle for longer are forgotten." }),
        evictionSweepSeconds: z.number().min(0).default(10).meta({ description: "How often that is looked after." }),
      })
      .prefault({})
      .meta({ description: "For session_id." }),
    profileName: z.string().optional().meta({ description: "Profile whose pick counts; left out: the primary one." }),
  });

/** Which endpoint a session belongs to. */
export interface Sessions {
  /** @returns position of the session's endpoint if it is a candidate, else -1 */
  find(ask: Ask): number;
  placed(ask: Ask, placed: Placed): void;
  firstToken(id: number, endpoint: string): void;
  ended(id: number): void;
}

export const sessionsOf = (params: z.output<ReturnType<typeof sessionParams>>): Sessions => {
  const ofPrefill = params.profileName === "prefill";
  const { evictionTtlSeconds: ttl, evictionSweepSeconds: sweep } = params.sessionIdConfig;
  return params.strategy === "session_id"
    ? new RememberedSessions(ofPrefill, (ttl || 300) * 1e6, (sweep || 10) * 1e6)
    : new SentBackSessions(ofPrefill);
};

const positionOf = ({ endpoints, kept, count }: Ask, name: string): number => {
  for (let k = 0; k < count; k += 1) {
    const at = kept[k] as number;
    if ((endpoints[at] as (typeof endpoints)[number]).name === name) return at;
  }
  return -1;
};

const sessionOf = ({ session }: RequestHead): string | undefined => session;

const pickOf = ({ primary, prefill }: Placed, ofPrefill: boolean): number => (ofPrefill ? prefill : primary);

/**
 * The client keeps the endpoint's name from its last response (header `x-session-token`) and sends it back: all clients
 * with sessions are taken to do so. It is known to the client from the response's first token on.
 */
class SentBackSessions implements Sessions {
  readonly #ofPrefill: boolean;
  readonly #tokens = new Map<string, string>();
  /** Responses that have not begun: request id to session and endpoint. */
  readonly #due = new Map<number, readonly [session: string, endpoint: string]>();

  constructor(ofPrefill: boolean) {
    this.#ofPrefill = ofPrefill;
  }

  find(ask: Ask): number {
    const session = sessionOf(ask.request);
    const name = session === undefined ? undefined : this.#tokens.get(session);
    return name === undefined ? -1 : positionOf(ask, name);
  }

  placed(ask: Ask, placed: Placed): void {
    const session = sessionOf(ask.request);
    const picked = pickOf(placed, this.#ofPrefill);
    if (session === undefined || picked < 0) return;
    this.#due.set(ask.request.id, [session, (ask.endpoints[picked] as (typeof ask.endpoints)[number]).name]);
  }

  firstToken(id: number): void {
    const due = this.#due.get(id);
    if (due !== undefined) this.#tokens.set(due[0], due[1]);
    this.#due.delete(id);
  }

  ended(id: number): void {
    this.#due.delete(id);
  }
}

interface Binding {
  readonly endpoint: string;
  readonly lastSeen: SimTime;
}

/**
 * The router remembers which endpoint a session was bound to. It is bound anew only when its endpoint was no candidate;
 * a pick elsewhere while it was leaves the binding as it is. Sweeps forget what was not seen for longer than the TTL.
 */
class RememberedSessions implements Sessions {
  readonly #ofPrefill: boolean;
  readonly #ttl: number;
  readonly #sweep: number;
  /** Least recently seen first. */
  readonly #bindings = new Map<string, Binding>();
  #swept = 0;
  /** The last decision that looked for a bound endpoint and found it gone. */
  #missed = -1;

  constructor(ofPrefill: boolean, ttlMicros: number, sweepMicros: number) {
    this.#ofPrefill = ofPrefill;
    this.#ttl = ttlMicros;
    this.#sweep = sweepMicros;
  }

  find(ask: Ask): number {
    this.#forget(ask.now);
    const session = sessionOf(ask.request);
    const bound = session === undefined ? undefined : this.#bindings.get(session);
    const at = bound === undefined ? -1 : positionOf(ask, bound.endpoint);
    if (bound !== undefined) this.#missed = at < 0 ? ask.decision : -1;
    return at;
  }

  placed(ask: Ask, placed: Placed): void {
    const session = sessionOf(ask.request);
    const picked = pickOf(placed, this.#ofPrefill);
    if (session === undefined || picked < 0) return;
    const endpoint = (ask.endpoints[picked] as (typeof ask.endpoints)[number]).name;
    const bound = this.#bindings.get(session);
    if (bound !== undefined && bound.endpoint !== endpoint && this.#missed !== ask.decision) return;
    this.#bindings.delete(session);
    this.#bindings.set(session, { endpoint, lastSeen: ask.now });
  }

  firstToken(): void {}

  ended(): void {}

  #forget(now: SimTime): void {
    const sweep = Math.floor(now / this.#sweep) * this.#sweep;
    if (sweep === this.#swept) return;
    this.#swept = sweep;
    for (const [session, { lastSeen }] of this.#bindings) {
      if (sweep - lastSeen <= this.#ttl) return;
      this.#bindings.delete(session);
    }
  }
}
