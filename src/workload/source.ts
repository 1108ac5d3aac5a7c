import type { Request } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import type { EndedRequest } from "./live-sessions.ts";

export type { EndedRequest } from "./live-sessions.ts";

// Where requests come from. A client is an arrival process (arrivals/) on a time stretched by the pattern (shapes/), with
// token counts from distributions (lengths/); sources/ merges clients by time, traces/ reads recorded ones. Closed-loop
// sessions (live-sessions.ts) are told how their requests ended, and answer with the next round; clients that retry
// (retrying-source.ts) answer with the same request again. profiles/ reads other tools' workload files as clients.

/** What a source answers: the next request; more input is needed first; or there are no more. */
export type Drawn =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "starved" }
  | { readonly kind: "ended" };

/**
 * Yields requests that wait for no other, in order of arrival, one at a time, however many there are. Ids are the trace's
 * where it has some, else they count from 0 in order of drawing. Sources know nothing of the world but their own stream
 * and what `ended` tells.
 */
export interface WorkloadSource {
  next(): Drawn;
  /**
   * Only closed loops and clients that retry: a request of theirs ended at `now`, at the server, whatever its outcome.
   * Called once per request, for each one that was drawn or that followed from another, in order of time.
   * @returns what follows from it and arrives at `now` or later: a retry, the next round, sessions that it starts; mostly nothing
   */
  ended?(ended: EndedRequest, now: SimTime): readonly Request[];
  /** Only sources that read: text (whole or partial lines) as it was read. `undefined` says that there is no more. */
  feed?(text: string | undefined): void;
  /** Broken lines passed over so far (`onError: Skip`), for the report. */
  readonly skipped?: PassedOver;
  /** Sound rows left out so far by a rule of the format (BurstGPT: requests that failed), for the report. */
  readonly dropped?: PassedOver;
  /** Retries sent so far, for the report: they arrive as requests do but are no requests of their own. */
  readonly retried?: number;
}

/** Lines of a trace that made no request; `lines` may be 0. */
export interface PassedOver {
  readonly lines: number;
  /** 1-based; 0 if there is none. */
  readonly firstLine: number;
  /** What was the matter with the first one. */
  readonly why: string;
}

/** Thrown by a reading source on a broken line (`onError: Fail`). */
export class TraceError extends Error {
  /** 1-based line in the (inflated) file. */
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = "TraceError";
    this.line = line;
  }
}
