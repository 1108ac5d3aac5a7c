import type { SimTime } from "../sim/time.ts";
import type { Finished } from "./fact.ts";
import type { ClientPath, Request } from "./request.ts";

/** Latencies as the client sees them, in microseconds; undefined: it never came to that. */
export interface ClientView {
  readonly sent: SimTime;
  readonly ttftMicros: number | undefined;
  readonly e2eMicros: number;
}

/**
 * The client's side of a request: server-side instants plus the way there and back. As BLIS has it
 * (`sim/workload/network.go` @f90a1e3a): the first token's own download counts for nothing, all tokens' at the end.
 */
export const clientView = ({ request, firstToken, end, outputTokens }: Finished): ClientView => {
  const sent = sentAt(request);
  return {
    sent,
    ttftMicros: firstToken === undefined ? undefined : seenAt(request.path, firstToken, 0) - sent,
    e2eMicros: seenAt(request.path, end, outputTokens) - sent,
  };
};

export const sentAt = ({ arrival, path }: Request): SimTime => path?.sent ?? arrival;

/** When what the server sent at `at` has come to the client. @param tokens how many came with it */
export const seenAt = (path: ClientPath | undefined, at: SimTime, tokens: number): SimTime =>
  path === undefined ? at : ((at + path.halfTripMicros + Math.round(tokens * path.tokenMicros)) as SimTime);

/** When a prompt that its client sends at `sent` has come to the server. */
export const receivedAt = (path: ClientPath, sent: number, promptTokens: number): number =>
  sent + path.halfTripMicros + Math.round(promptTokens * path.tokenMicros);
