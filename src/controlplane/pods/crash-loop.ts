import { type Micros, seconds } from "../../sim/time.ts";

const FIRST_SECONDS = 10;
const LONGEST_SECONDS = 300;

/**
 * How long the kubelet lets a crashed container wait: the first time not at all, then 10 s, twice as long each time, at
 * most 5 min; who ran for 10 min begins anew.
 *
 * @param ran how long it ran before it crashed
 * @param crashes before this one that count
 * @returns the delay, and how many crashes count now
 * Source: doBackOff in pkg/kubelet/kuberuntime, MaxContainerBackOff and client-go's flowcontrol.Backoff (reset after twice
 * the maximum), Kubernetes v1.36 without ReduceDefaultCrashLoopBackOffDecay.
 */
export const restartDelay = (ran: Micros, crashes: number): { readonly delay: Micros; readonly crashes: number } => {
  const counted = ran >= seconds(2 * LONGEST_SECONDS) ? 0 : crashes;
  const delay = counted === 0 ? 0 : Math.min(FIRST_SECONDS * 2 ** (counted - 1), LONGEST_SECONDS);
  return { delay: seconds(delay), crashes: counted + 1 };
};
