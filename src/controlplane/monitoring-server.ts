import type { Micros, SimTime } from "../sim/time.ts";

export type SeriesLabels = Readonly<Record<string, string>>;

/** One element of an instant query's answer. */
export interface QueryElement {
  /** Without those that the query dropped; `__name__` among them where it stayed. */
  readonly labels: SeriesLabels;
  readonly value: number;
}

export type QueryAnswer =
  /** A scalar has one element without labels. */
  | { readonly ok: true; readonly type: "scalar" | "vector"; readonly elements: readonly QueryElement[] }
  | {
      readonly ok: false;
      /** `refused`: it answered with an error (a bad query, 401). `unreachable`: no answer came in time. */
      readonly why: "refused" | "unreachable";
      readonly message: string;
    };

export type SeriesAnswer =
  | { readonly ok: true; readonly series: readonly SeriesLabels[] }
  | Extract<QueryAnswer, { ok: false }>;

/** What a Prometheus server answers to whoever in the control plane asks it: as late as its scrapes and rules made it. */
export interface MonitoringServer {
  /** GET /api/v1/query at `now`. */
  query(text: string, now: SimTime): QueryAnswer;
  /** GET /api/v1/series: the series that match any of the selectors and had a sample within `within` before `now`. */
  series(selectors: readonly string[], within: Micros, now: SimTime): SeriesAnswer;
}
