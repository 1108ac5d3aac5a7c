import type { MetricFamily } from "../model/metric-family.ts";
import type { Band, KpiBands, Kpis } from "./report.ts";
import { flatKpis, type Spread } from "./spread.ts";

/** Says one figure's band, from the run itself and those at the fast and the slow end of the step time. */
export type BandRule = (name: string, values: { middle: number; fast: number; slow: number }) => Band;

export const kpiBands = (runs: { middle: Kpis; fast: Kpis; slow: Kpis }, rule: BandRule): KpiBands => {
  const [middle, fast, slow] = [flatKpis(runs.middle), flatKpis(runs.fast), flatKpis(runs.slow)];
  return Object.fromEntries(
    Object.entries(middle).map(([name, value]) => {
      const { p10, p90 } = rule(name, { middle: value, fast: fast[name] ?? value, slow: slow[name] ?? value });
      return [name, { p10: rounded(p10), p90: rounded(p90) }];
    }),
  );
};

/**
 * Spread over replications and the model's own uncertainty together, as independent shares of the logarithm.
 * @param bands of one of the replications; undefined: nothing is known beyond the replications
 */
export const withBands = (
  spreads: Readonly<Record<string, Spread>>,
  bands: KpiBands | undefined,
  middle: Kpis | undefined,
): Record<string, Spread> => {
  const own = middle === undefined ? {} : flatKpis(middle);
  return Object.fromEntries(
    Object.entries(spreads).map(([name, spread]) => {
      const [band, value] = [bands?.[name], own[name]];
      if (band === undefined || value === undefined) return [name, spread];
      return [
        name,
        {
          mean: spread.mean,
          p10: joined(spread, spread.p10, band.p10, value),
          p90: joined(spread, spread.p90, band.p90, value),
        },
      ];
    }),
  );
};

/** One side of a spread, moved away from the mean by the band's side as well. Sides of or around zero add up plainly. */
const joined = ({ mean }: Spread, side: number, bandSide: number, value: number): number => {
  if (!(Math.min(mean, side, bandSide, value) > 0)) return rounded(side + bandSide - value);
  const [over, band] = [Math.log(side / mean), Math.log(bandSide / value)];
  const length = Math.hypot(over, band);
  return rounded(mean * Math.exp(over + band < 0 ? -length : length));
};

/** The bands as series: `servetwin_kpi_band{kpi,quantile}`. */
export const bandFamilies = (bands: KpiBands): readonly MetricFamily[] => [
  {
    ...BAND_METRIC,
    samples: Object.entries(bands).flatMap(([kpi, { p10, p90 }]) => [
      { labels: { kpi, quantile: "0.1" }, value: p10 },
      { labels: { kpi, quantile: "0.9" }, value: p90 },
    ]),
  },
];

export const BAND_METRIC = {
  name: "servetwin_kpi_band",
  type: "gauge",
  help: "Where a key figure would lie on real servers, by the latency model's own uncertainty; units are in the label kpi.",
} as const;

const rounded = (value: number): number => Number(value.toPrecision(6));
