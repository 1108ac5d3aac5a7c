/** Where a value comes from. */
export type Source =
  /** A field of a mirrored object. `object` is `Kind/namespace/name`. */
  | { readonly kind: "field"; readonly object: string; readonly field: string }
  /** A field of the InferenceSimulation itself. */
  | { readonly kind: "override"; readonly field: string }
  /** Nobody said; `why` names whose default this is ("vLLM 0.22 default on GPUs with 70 GiB or more"). */
  | { readonly kind: "default"; readonly why: string }
  /** Computed from other values; `how` says by what rule. */
  | { readonly kind: "derived"; readonly how: string }
  /** Figures of a catalogue of the project. */
  | { readonly kind: "catalogue"; readonly entry: string };

/** A value that knows where it came from. */
export interface Known<T> {
  readonly value: T;
  readonly from: Source;
}

export const known = <T>(value: T, from: Source): Known<T> => ({ value, from });

export const describeSource = (from: Source): string => {
  switch (from.kind) {
    case "field":
      return `${from.object} ${from.field}`;
    case "override":
      return `override ${from.field}`;
    case "default":
      return `default: ${from.why}`;
    case "derived":
      return `derived: ${from.how}`;
    case "catalogue":
      return `catalogue: ${from.entry}`;
    default:
      return from satisfies never;
  }
};
