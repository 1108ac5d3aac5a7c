import type { MetricFamily } from "../model/metric-family.ts";
import { CONTENT_TYPE, expose } from "./exposition.ts";
import { negotiate } from "./negotiate.ts";
import { type SimulatedSeries, simulatedFamilies } from "./simulated.ts";

export interface MetricsPage {
  readonly contentType: string;
  readonly chunks: AsyncIterable<string>;
}

/**
 * What `/metrics` answers: all simulated series, then the operator's own, as one page.
 * @param own families that no simulation exports, as those of `OperatorMetrics`
 * @param accept the request's Accept header
 */
export const metricsPage = (
  simulated: readonly SimulatedSeries[],
  own: readonly MetricFamily[],
  accept: string | undefined,
): MetricsPage => {
  const format = negotiate(accept);
  return { contentType: CONTENT_TYPE[format], chunks: expose(together(simulated, own), format) };
};

function* together(simulated: readonly SimulatedSeries[], own: readonly MetricFamily[]): Generator<MetricFamily> {
  yield* simulatedFamilies(simulated);
  yield* own;
}
