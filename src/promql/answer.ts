import type { Annotation } from "./annotations.ts";
import type { Labels } from "./labels.ts";

export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
}

export interface SeriesPoints {
  readonly labels: Labels;
  /** By time. */
  readonly points: readonly { readonly atMs: number; readonly value: number }[];
}

/** What a query gives. A range query always gives a matrix, sorted by labels. */
export type QueryValue =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "vector"; readonly samples: readonly VectorSample[] }
  | { readonly kind: "matrix"; readonly series: readonly SeriesPoints[] };

export type Answer =
  | { readonly ok: true; readonly value: QueryValue; readonly annotations: readonly Annotation[] }
  | { readonly ok: false; readonly message: string };
