import { setTimeout as sleep } from "node:timers/promises";
import { describeTraffic } from "../twin/observed-traffic.ts";
import type { LiveTraffic } from "../twin/scenario.ts";
import { type ObservedStep, TrafficFold } from "../workload/observed/index.ts";
import { LOOKBACK_SECONDS } from "./observe-window.ts";
import { type FoundFamilies, findFamilies, samplesOf } from "./production-series.ts";
import { type PrometheusAccess, PrometheusError } from "./prometheus-api.ts";
import type { TrafficNews } from "./protocol.ts";

/** Waits after a query that failed, each twice as long as the one before. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1000, 60_000];
/** How often it is looked whether there are other families by now. */
const LOOK_AGAIN_SECONDS = 600;
/** Steps before the start of which lengths are read, so that the first requests have some. */
const STEPS_BEFORE = 20;
/** Steps that the status tells of. */
const TOLD_STEPS = 10;

export interface Following {
  readonly live: LiveTraffic;
  readonly access: PrometheusAccess;
  /** Unix time of production that second 0 of the world stands for: the delay before the world's start. */
  readonly startSeconds: number;
  readonly unixSeconds: () => number;
  readonly signal: AbortSignal;
  /** Hears what is read, and what is wrong, each time that it changes. */
  readonly tell: (news: TrafficNews) => void;
}

/**
 * Production's traffic as it comes, in lines of JSON for the workload source, one per step. Whatever fails is told and tried again: meanwhile the world waits, and then catches up,
 * for Prometheus still has what came. @throws AbortError when the signal says so
 */
export async function* followProduction(following: Following): AsyncGenerator<string> {
  const { live, startSeconds: start, unixSeconds, signal } = following;
  const [step, delay] = [live.stepMicros / 1e6, live.delayMicros / 1e6];
  const begin = start - STEPS_BEFORE * step;
  // A step is read when its samples must be in, one step before the world comes to its beginning.
  const settle = delay - 2 * step;
  let found = await patiently(following, () => find(following, begin));
  let fold = foldOf(live, found, begin, step);
  let [read, done, looked] = [begin - LOOKBACK_SECONDS, begin, unixSeconds()];
  const recent: ObservedStep[] = [];
  for (;;) {
    const due = done < start ? start : done + step;
    await sleep(Math.max(0, (due + settle - unixSeconds()) * 1000), undefined, { signal });
    if (unixSeconds() - looked > LOOK_AGAIN_SECONDS) {
      looked = unixSeconds();
      const now = await find(following, looked - LOOKBACK_SECONDS).catch((error: unknown) => {
        if (error instanceof PrometheusError) return found;
        throw error;
      });
      if (JSON.stringify(now.families) !== JSON.stringify(found.families)) {
        fold = foldOf(live, now, done, step);
        read = done - LOOKBACK_SECONDS;
      }
      found = now;
    }
    const to = unixSeconds();
    await patiently(following, async () => {
      for await (const series of samplesOf(following.access, live.selector, found, read, to)) {
        fold.add(series);
      }
    });
    read = to;
    const base = done;
    const steps = fold.take(due).map((one, i) => asOf(one, base + i * step - start));
    done += steps.length * step;
    recent.push(...steps);
    recent.splice(0, Math.max(0, recent.length - TOLD_STEPS));
    following.tell(newsOf(found, recent, fold, live, done));
    for (const one of steps) yield `${JSON.stringify(one)}\n`;
  }
}

/** @param from seconds of the world: before 0 only lengths and hits count, no requests */
const asOf = (step: ObservedStep, from: number): ObservedStep => ({
  ...step,
  fromMicros: Math.round(from * 1e6),
  ...(from < -1e-6 ? { classes: step.classes.map((one) => ({ ...one, requests: 0 })) } : {}),
});

const find = ({ access, live, unixSeconds }: Following, from: number): Promise<FoundFamilies> =>
  findFamilies(access, live, from, unixSeconds());

const foldOf = (live: LiveTraffic, { families }: FoundFamilies, startSeconds: number, stepSeconds: number) =>
  new TrafficFold({ families, startSeconds, stepSeconds, models: live.models });

const newsOf = (
  { families }: FoundFamilies,
  steps: readonly ObservedStep[],
  fold: TrafficFold,
  live: LiveTraffic,
  untilSeconds: number,
): TrafficNews => {
  const otherModels = [...fold.otherModels.keys()];
  const said = {
    families,
    steps,
    stepMicros: live.stepMicros,
    notes: fold.notes,
    otherModels,
    toSeconds: untilSeconds,
  };
  return { kind: "read", ...describeTraffic(said) };
};

/** Tries until it succeeds. @throws what is nobody's to mend, and AbortError */
const patiently = async <T>({ signal, tell }: Following, ask: () => Promise<T>): Promise<T> => {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, 2 * wait)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error;
      const { reason, message, fix } = error;
      tell({
        kind: "waiting",
        problem: { severity: "error", field: "spec.workload.prometheus", reason, message, fix },
      });
      await sleep(wait, undefined, { signal });
    }
  }
};
