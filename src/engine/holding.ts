import type { BlockRun, KeptBlocks } from "./block-run.ts";

/** Shared by all who have none; never written to. */
export const NO_RUNS: BlockRun[] = [];

/** One sequence's blocks in one group of layers. */
export class Holding {
  /** Those that others may find, in order and without a gap; what was cut off one of them meanwhile is held too. */
  named: BlockRun[] = NO_RUNS;
  /** Its own that are free, but still keep what they held. */
  kept: KeptBlocks | undefined;
  /** Index of the first block held: those before slid out of the window, or are not held (D1). */
  first = 0;
}
