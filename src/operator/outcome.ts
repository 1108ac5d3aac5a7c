/** What a reconcile asks of the work queue. One holds, so "failed, but come back in 5 s" can't be said. */
export type Outcome =
  | { readonly kind: "settled" }
  | { readonly kind: "again"; readonly afterSeconds: number; readonly why: string }
  | { readonly kind: "retry"; readonly cause: unknown };
