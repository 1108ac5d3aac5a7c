/** What a Prometheus server may be started with. A plain server has none of them. Source: Prometheus 3.14, `--enable-feature`. */
export interface Features {
  /** `promql-experimental-functions` */
  readonly experimentalFunctions: boolean;
  /** On by default since 3.15; `promql-duration-expr` before. */
  readonly durationExpressions: boolean;
  /** `promql-binop-fill-modifiers` */
  readonly fillModifiers: boolean;
  /** `promql-extended-range-selectors`: `anchored` and `smoothed`. */
  readonly extendedRanges: boolean;
  /** `promql-delayed-name-removal`: names go at the end of a query, not at each function. */
  readonly delayedNameRemoval: boolean;
}

export const PLAIN: Features = {
  experimentalFunctions: false,
  durationExpressions: true,
  fillModifiers: false,
  extendedRanges: false,
  delayedNameRemoval: false,
};

export const ALL_FEATURES: Features = {
  experimentalFunctions: true,
  durationExpressions: true,
  fillModifiers: true,
  extendedRanges: true,
  delayedNameRemoval: true,
};
