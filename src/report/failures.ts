import type { Kpis } from "./report.ts";

/** Requests that ended without an answer: refused, given up, cut, or turned away by the gateway. Those in flight are none of them. */
export const failedRequests = (
  requests: Pick<Kpis["requests"], "rejected" | "overloaded" | "timedOut" | "aborted" | "shed" | "expired">,
): number => {
  const { rejected, overloaded, timedOut, aborted, shed = 0, expired = 0 } = requests;
  return rejected + overloaded + timedOut + aborted + shed + expired;
};
