import type { Streams } from "../sim/rng.ts";
import { micros } from "../sim/time.ts";
import { ObservedSource } from "../workload/observed/index.ts";
import type { WorkloadSource } from "../workload/source.ts";
import { syntheticSource } from "../workload/sources/index.ts";
import { SteadySource } from "../workload/steady-source.ts";
import { traceSource } from "../workload/traces/index.ts";
import type { Scenario, TrafficScenario } from "./scenario.ts";

/** The source of a scenario's requests. A trace's needs to be fed, and so does live traffic. */
export const scenarioSource = (
  { traffic, steadyPerSecond }: Pick<Scenario, "traffic" | "steadyPerSecond">,
  streams: Streams,
): WorkloadSource => {
  const source = trafficSource(traffic, streams);
  if (steadyPerSecond === undefined) return source;
  return new SteadySource(source, steadyPerSecond, streams.stream("workload/steady"));
};

const trafficSource = (traffic: TrafficScenario, streams: Streams): WorkloadSource => {
  switch (traffic.kind) {
    case "synthetic":
      return syntheticSource(traffic.synthetic, streams);
    case "observed":
      return new ObservedSource(traffic, streams);
    case "live":
      return new ObservedSource({ ...traffic, repeated: false }, streams);
    case "trace":
      return traceSource(
        {
          format: traffic.format,
          rateScale: traffic.rateScale,
          startOffsetMicros: micros(traffic.startOffsetMicros),
          onError: traffic.onError,
          maxRequests: traffic.maxRequests,
          replay: traffic.replay,
          imageTokens: traffic.imageTokens,
          retry: traffic.retry,
        },
        streams,
      );
    default:
      return traffic satisfies never;
  }
};
