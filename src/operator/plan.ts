import type { Problem } from "../model/problem.ts";

/** What is wanted of one simulation now, as far as it could be read. */
export type Wanted =
  /** The object is gone. */
  | { readonly kind: "nothing" }
  /** It can't be simulated as it stands. */
  | { readonly kind: "broken"; readonly problems: readonly Problem[] }
  /** Its engine is fitted to production first. */
  | { readonly kind: "calibrated-first" }
  | { readonly kind: "preview"; readonly inputDigest: string }
  | { readonly kind: "shadow"; readonly inputDigest: string; readonly scale: number | undefined };

/** What is going on for it in this process. */
export interface Doing {
  readonly preview?: { readonly inputDigest: string; readonly state: "running" | "finished" | "failed" };
  readonly shadow?: {
    readonly inputDigest: string;
    readonly scale: number | undefined;
    readonly state: "following" | "failed";
  };
}

/** What its status says was finished last, perhaps by an earlier process. */
export interface Recorded {
  readonly inputDigest: string | undefined;
  readonly finished: boolean;
}

/** What to do about it. */
export type Plan =
  | { readonly kind: "rest" }
  /** Stop all that runs for it and drop its series; `problems` go to its conditions. */
  | { readonly kind: "stop"; readonly problems: readonly Problem[] }
  /**
   * Run the preview, in place of one under way.
   * `restore`: its status already holds this very result; run it quietly again for the series and timelines that only live in memory.
   */
  | { readonly kind: "run-preview"; readonly restore: boolean }
  | { readonly kind: "follow" }
  | { readonly kind: "scale"; readonly replicas: number };

/** Level-based and idempotent: the same three inputs always give the same plan, however often it is asked. */
export const planOf = (wanted: Wanted, doing: Doing, recorded: Recorded): Plan => {
  switch (wanted.kind) {
    case "nothing":
      return { kind: "stop", problems: [] };
    case "broken":
      return { kind: "stop", problems: wanted.problems };
    case "calibrated-first":
      return doing.preview === undefined && doing.shadow === undefined
        ? { kind: "rest" }
        : { kind: "stop", problems: [] };
    case "preview":
      if (doing.preview?.inputDigest === wanted.inputDigest) return { kind: "rest" };
      return { kind: "run-preview", restore: recorded.finished && recorded.inputDigest === wanted.inputDigest };
    case "shadow":
      if (doing.shadow?.inputDigest !== wanted.inputDigest) return { kind: "follow" };
      if (wanted.scale !== undefined && wanted.scale !== doing.shadow.scale)
        return { kind: "scale", replicas: wanted.scale };
      return { kind: "rest" };
    default:
      return wanted satisfies never;
  }
};
