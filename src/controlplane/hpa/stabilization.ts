import type { Micros, SimTime } from "../../sim/time.ts";

/** A replica count that metrics asked for, before rates and limits. */
export interface Recommendation {
  replicas: number;
  at: SimTime;
}

/**
 * Without `behavior`: nothing lower than any recommendation of the window, up goes at once.
 *
 * @param history gets `desired`, in the last slot older than the window if there is one
 * @returns the largest of `desired` and the recommendations at most `window` old
 * Source: stabilizeRecommendation in pkg/controller/podautoscaler/horizontal.go, Kubernetes v1.36.
 */
export const stabilizeDown = (history: Recommendation[], desired: number, window: Micros, now: SimTime): number => {
  const cutoff = now - window;
  let largest = desired;
  for (const { at, replicas } of history) if (at >= cutoff) largest = Math.max(largest, replicas);
  record(history, { replicas: desired, at: now }, (at) => at < cutoff);
  return largest;
};

/**
 * With `behavior`: the current count, moved up to the least of the up window or down to the largest of the down window.
 *
 * @param history gets `desired`, in the last slot older than both windows if there is one
 * Source: stabilizeRecommendationWithBehaviors, as above. Recommendations exactly as old as a window are out of it.
 */
export const stabilizeBothWays = (
  history: Recommendation[],
  current: number,
  desired: number,
  windows: { readonly up: Micros; readonly down: Micros },
  now: SimTime,
): number => {
  const [upCutoff, downCutoff] = [now - windows.up, now - windows.down];
  let [up, down] = [desired, desired];
  for (const { at, replicas } of history) {
    if (at > upCutoff) up = Math.min(up, replicas);
    if (at > downCutoff) down = Math.max(down, replicas);
  }
  record(history, { replicas: desired, at: now }, (at) => at < upCutoff && at < downCutoff);
  return Math.min(Math.max(current, up), down);
};

const record = (history: Recommendation[], made: Recommendation, isOld: (at: SimTime) => boolean): void => {
  const slot = history.findLastIndex(({ at }) => isOld(at));
  if (slot === -1) history.push(made);
  else history[slot] = made;
};
