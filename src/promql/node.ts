import type { Labels } from "./labels.ts";
import type { InstantVector } from "./vector.ts";
import type { Window } from "./window.ts";

/** Steps of a plan. Each is asked for one instant after the other, mostly forward in time. */
export type Node = ScalarNode | VectorNode | RangeNode | StringNode;

export interface ScalarNode {
  readonly kind: "scalar";
  value(atMs: number): number;
}

export interface VectorNode {
  readonly kind: "vector";
  /** @returns the step's own, written anew at the next call */
  vector(atMs: number): InstantVector;
}

export interface RangeNode {
  readonly kind: "range";
  readonly rangeMs: number;
  /** @returns how many series there may be; each is then asked for by its index */
  open(atMs: number): number;
  labels(index: number): Labels;
  /** @returns 1 where the name goes at the end of the query */
  drops(index: number): number;
  /** @returns false without samples in the range */
  window(index: number, into: Window): boolean;
}

export interface StringNode {
  readonly kind: "string";
  readonly text: string;
}
