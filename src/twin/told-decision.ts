import type { Watch } from "../dataplane/gateway.ts";
import type { ProfileRun } from "../dataplane/profile.ts";
import type { ConsideredEndpoint, Decision } from "../model/decision.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Request } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import type { PathHost } from "./path-host.ts";

/** The endpoints as a decision found them: what was believed of each, and what was true. */
export interface Moment {
  readonly at: SimTime;
  readonly request: Request;
  readonly picker: string | undefined;
  readonly endpoints: readonly Pick<ConsideredEndpoint, "name" | "believed" | "truth">[];
}

/**
 * To be taken before a request is placed, which changes both.
 * @param picker who decides
 */
export const momentOf = (
  request: Request,
  picker: string | undefined,
  endpoints: readonly Endpoint[],
  host: PathHost,
): Moment => ({
  at: host.clock.now,
  request,
  picker,
  endpoints: endpoints.flatMap((endpoint) => {
    const pod = host.pod(endpoint.name);
    return pod?.engine === undefined
      ? []
      : [{ name: endpoint.name, believed: believedOf(endpoint), truth: truthOf(request, host, pod) }];
  }),
});

const believedOf = ({ scrapedAt, waiting, running, kvUsage, inFlight }: Endpoint) => ({
  scrapedAt,
  waiting,
  running,
  kvUsage,
  inFlight,
});

const truthOf = (request: Request, host: PathHost, pod: Parameters<PathHost["engine"]>[0]) => {
  const engine = host.engine(pod);
  const { waiting, running, kvUsage } = engine.gauges(host.clock.now);
  const { promptTokensAhead, cachedTokens, stepLeftMicros, tokensPerStep, stepMicros } = engine.outlook(
    request,
    host.clock.now,
  );
  return {
    waiting,
    running,
    kvUsage,
    promptTokensAhead,
    cachedTokens,
    stepLeftSeconds: stepLeftMicros / 1e6,
    tokensPerStep,
    stepSeconds: stepMicros / 1e6,
  };
};

/** A decision per profile that was run; of a policy, which scores nobody, a single one. */
export const decisionsOf = (
  { endpoints: all, ...moment }: Moment,
  { runs, cachedTokens }: Watch,
  chosen: string | undefined,
): readonly Decision[] => {
  const endpoints = cachedTokens === undefined ? all : all.map((one, i) => believedToHold(one, cachedTokens[i] ?? 0));
  if (runs.length === 0) {
    const unscored = endpoints.map((endpoint) => ({ ...endpoint, scores: {}, total: 0 }));
    return [{ ...moment, profile: "default", endpoints: unscored, chosen }];
  }
  return runs.map((run) => ({
    ...moment,
    profile: run.profile,
    endpoints: endpoints.map((endpoint, i) => considered(endpoint, run, i)),
    chosen: endpoints[run.picked]?.name,
  }));
};

const believedToHold = (endpoint: Moment["endpoints"][number], cachedTokens: number): Moment["endpoints"][number] => ({
  ...endpoint,
  believed: { ...endpoint.believed, cachedTokens },
});

const considered = (
  endpoint: Moment["endpoints"][number],
  { droppedBy, scores, totals }: ProfileRun,
  i: number,
): ConsideredEndpoint => {
  const dropped = droppedBy[i];
  if (dropped !== undefined) return { ...endpoint, droppedBy: dropped, scores: {}, total: 0 };
  const own = Object.fromEntries(scores.map(({ scorer, values }) => [scorer, values[i] ?? 0]));
  return { ...endpoint, scores: own, total: totals[i] ?? 0 };
};
