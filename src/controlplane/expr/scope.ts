import type { Type, Value } from "./value.ts";

/** Where names get their values while a formula runs. */
export interface Frame {
  readonly triggers: Readonly<Record<string, Value>>;
  /** Values of `let`, by slot. */
  readonly locals: Value[];
  /** Of the predicates around, the innermost last. */
  readonly elements: { element: Value; index: number; accumulated: Value }[];
}

/** A part of a formula, checked: its type, and how it runs. */
export interface Compiled {
  readonly type: Type;
  readonly run: (frame: Frame) => Value;
}

/** What is in sight at a place. */
export interface Scope {
  readonly triggers: readonly string[];
  readonly locals: ReadonlyMap<string, { readonly slot: number; readonly type: Type }>;
  /** Whether the innermost predicate around is reduce's, which has an #acc. */
  readonly reducing: boolean;
}
