import type { Manifests } from "./read-manifests.ts";

/** How long a file that looks half written is left to its editor. */
export const GRACE_MS = 1000;

/** What is kept of a file between two looks. */
export interface KeptFile {
  /** Of what was read last; the same stamp means nothing new, once the file has been left alone for a while. */
  readonly stamp: string;
  readonly text: string;
  /** What counts now. */
  readonly shown: Pick<Manifests, "objects" | "problems">;
  /** The text and objects that were last read without doubt. */
  readonly good?: { readonly text: string; readonly objects: Manifests["objects"] };
  /** Since when it looks half written. */
  readonly doubtSince?: number;
}

/**
 * What counts of a file after a look at it. A text that can't be read, or that is only the beginning of what stood there,
 * may be a save under way: for a second the file counts as it was. If it still can't be read then, that is told, and its last
 * good objects stay, so that a slip of the pen does not delete what runs.
 */
export const settle = (
  before: KeptFile | undefined,
  now: {
    readonly stamp: string;
    readonly text: string;
    readonly read: Manifests;
    readonly nowMs: number;
    readonly patient: boolean;
  },
): KeptFile => {
  const { stamp, text, read, nowMs, patient } = now;
  const good = before?.good;
  const isBeginning = good !== undefined && text.length < good.text.length && good.text.startsWith(text);
  if (!read.malformed && !isBeginning) return { stamp, text, shown: read, good: { text, objects: read.objects } };
  const doubtSince = before?.doubtSince ?? nowMs;
  const kept = good === undefined ? {} : { good };
  if (patient && nowMs - doubtSince < GRACE_MS) {
    return { stamp, text, shown: before?.shown ?? { objects: [], problems: [] }, ...kept, doubtSince };
  }
  if (!read.malformed) return { stamp, text, shown: read, good: { text, objects: read.objects } };
  return {
    stamp,
    text,
    shown: { objects: good?.objects ?? [], problems: problemsOf(read, good !== undefined) },
    ...kept,
    doubtSince,
  };
};

const problemsOf = (read: Manifests, hadGood: boolean): Manifests["problems"] =>
  hadGood
    ? read.problems.map((problem) => ({
        ...problem,
        fix: `${problem.fix === undefined ? "" : `${problem.fix}; `}until it can be read, its last good version counts`,
      }))
    : read.problems;
