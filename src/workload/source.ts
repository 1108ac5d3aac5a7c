import type { Request } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import type { EndedRequest } from "./live-sessions.ts";

export type { EndedRequest } from "./live-sessions.ts";

// Where requests come from. A client is an arrival process (arrivals/) on a time stretched by the pattern (shapes/), with
// token counts from distributions (lengths/); sources/ merges clients by time, traces/ reads recorded ones. Closed-loop
// sessions (live-sessions.ts) are told how their requests ended, and answer with the next round.

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
   * Only closed-loop sources: a request of theirs ended at `now`, whatever its outcome.
   * @returns what follows from it and arrives at `now` or later; undefined if nothing does
   */
  ended?(ended: EndedRequest, now: SimTime): Request | undefined;
  /** Only sources that read: text (whole or partial lines) as it was read. `undefined` says that there is no more. */
  feed?(text: string | undefined): void;
  /** Broken lines passed over so far (`onError: Skip`), for the report. */
  readonly skipped?: PassedOver;
  /** Sound rows left out so far by a rule of the format (BurstGPT: requests that failed), for the report. */
  readonly dropped?: PassedOver;
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
