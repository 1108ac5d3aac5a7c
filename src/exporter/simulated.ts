import type { MetricFamily, MetricSample } from "../model/metric-family.ts";

/** What one scenario of one simulation exports. */
export interface SimulatedSeries {
  readonly naming: "Prefixed" | "Production";
  /** `namespace/name`. */
  readonly simulation: string;
  readonly scenario: string;
  /** Of `spec.export.labels`; never wins over a label of the series' own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Under production's names. */
  readonly families: readonly MetricFamily[];
}

/** Colons are the recording rules' sign: no exporter's own series begins like this. */
const PREFIX = "sim:";

/**
 * The one place where simulated series get what sets them apart from production's: the prefix, unless the simulation
 * dropped it, and the labels `origin`, `simulation` and `scenario`.
 *
 * @returns families one by one, each name once: those of several simulations are put together
 */
export function* simulatedFamilies(all: readonly SimulatedSeries[]): Generator<MetricFamily> {
  const parts = new Map<string, { series: SimulatedSeries; family: MetricFamily }[]>();
  for (const series of all) {
    for (const family of series.families) {
      const name = series.naming === "Prefixed" ? PREFIX + family.name : family.name;
      const same = parts.get(name);
      if (same === undefined) parts.set(name, [{ series, family }]);
      else same.push({ series, family });
    }
  }
  for (const [name, same] of parts) {
    const { type, help } = (same[0] as (typeof same)[number]).family;
    yield { name, type, help, samples: same.flatMap(({ series, family }) => marked(series, family)) };
  }
}

const marked = ({ labels, simulation, scenario }: SimulatedSeries, family: MetricFamily): MetricSample[] => {
  const marks = { origin: "simulated", simulation, scenario };
  return family.samples.map((sample) => ({ ...sample, labels: { ...labels, ...sample.labels, ...marks } }));
};
