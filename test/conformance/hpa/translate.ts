import type { MetricValue, PodView } from "../../../src/controlplane/autoscaler.ts";
import type { ScaleEvent } from "../../../src/controlplane/hpa/behavior.ts";
import type { SaidBehavior } from "../../../src/controlplane/hpa/spec.ts";
import type { Recommendation } from "../../../src/controlplane/hpa/stabilization.ts";
import type { SimTime } from "../../../src/sim/time.ts";
import type { Milli, VectorEvent, VectorPod, VectorRules, VectorSample } from "./vector.ts";

/** From the words of the vectors to those of our functions, and back. */
export type Facts = Readonly<Record<string, unknown>>;

/** The instant of evaluation. Late enough that Go's zero time, which the vectors put 1e9 s before, is an instant too. */
export const NOW = 2e15 as SimTime;

export const instantOf = (relativeSeconds: number): SimTime => (NOW + Math.round(relativeSeconds * 1e6)) as SimTime;

export const milliOf = (value: Milli): bigint => BigInt(typeof value === "string" ? value : Math.trunc(value));

/** As the vectors write integers: beyond 2^53 - 1 as decimal strings. */
export const numberOf = (value: bigint): number | string =>
  value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER) ? String(value) : Number(value);

export const podViewOf = (pod: Partial<VectorPod> & { readonly name: string }, resource: string): PodView => {
  const { phase = "Running", ready = "True", start_s: start = -1e9, ready_transition_s: changed = -1e9 } = pod;
  const containers = Object.entries(pod.requests_milli ?? {});
  return {
    name: pod.name,
    phase,
    ready: ready === null ? null : ready === "True",
    startedAt: start === null ? undefined : instantOf(start),
    readyChangedAt: changed === null ? undefined : instantOf(changed),
    deleting: pod.deleting ?? false,
    requests: {
      containers: containers.map(([name, milli]) => ({ name, milli: milli === null ? {} : { [resource]: milli } })),
    },
  };
};

/**
 * What the metrics API makes of the containers' usage: a sum per pod, or the named container's. A pod that lacks one of
 * them has no sample. undefined: there are no samples at all.
 */
export const samplesOf = (
  samples: readonly VectorSample[],
  pods: readonly Pick<VectorPod, "name" | "requests_milli">[],
  container: string | undefined,
): ReadonlyMap<string, MetricValue> | undefined => {
  const values = new Map<string, MetricValue>();
  for (const sample of samples) {
    const known = Object.keys(pods.find(({ name }) => name === sample.pod)?.requests_milli ?? {});
    const valueMilli =
      sample.value_milli === undefined ? usageOf(sample, known, container) : milliOf(sample.value_milli);
    if (valueMilli === undefined) continue;
    values.set(sample.pod, { valueMilli, at: instantOf(sample.timestamp_s), windowSeconds: sample.window_s });
  }
  return values.size === 0 ? undefined : values;
};

const usageOf = (
  { usage_milli: usage = {} }: VectorSample,
  known: readonly string[],
  container: string | undefined,
): bigint | undefined => {
  const wanted = container === undefined ? new Set([...known, ...Object.keys(usage)]) : [container];
  let sum = 0;
  for (const name of wanted) {
    const used = usage[name];
    if (used === undefined || used === null) return undefined;
    sum += used;
  }
  return BigInt(Math.trunc(sum));
};

export const recommendationsOf = (
  said: readonly { readonly replicas: number; readonly age_s: number }[],
): Recommendation[] => said.map(({ replicas, age_s }) => ({ replicas, at: instantOf(-age_s) }));

export const eventsOf = (said: readonly VectorEvent[]): ScaleEvent[] =>
  said.map(({ change, age_s, outdated = false }) => ({ change, at: instantOf(-age_s), outdated }));

/** null means absent. */
export const saidRules = (rules: VectorRules): NonNullable<SaidBehavior["scaleUp"]> =>
  Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== null && value !== undefined));
