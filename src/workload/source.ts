import type { Request } from "../model/request.ts";

// Where requests come from. A client is an arrival process (arrivals/) on a time stretched by the pattern (shapes/), with
// token counts from distributions (lengths/); sources/ merges clients by time, traces/ reads recorded ones.

/** What a source answers: the next request; more input is needed first; or there are no more. */
export type Drawn =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "starved" }
  | { readonly kind: "ended" };

/**
 * Yields requests in order of arrival, one at a time, however many there are.
 * Ids count from 0 in order of arrival. Sources know nothing of the world but their own stream.
 */
export interface WorkloadSource {
  next(): Drawn;
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
