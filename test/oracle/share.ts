import type { EngineConfig } from "../../src/engine/engine.ts";
import { Batch } from "../../src/model/batch.ts";
import type { EncoderItem } from "../../src/model/request.ts";
import type { Sequence } from "./sequence.ts";

/** What one sequence does in a step. */
export interface Member {
  readonly sequence: Sequence;
  /** Tokens computed before, and computed in this step. */
  readonly start: number;
  readonly tokens: number;
  /** Of those, drafts to be verified. */
  readonly drafts: number;
  /** Whether the step brings its next output. */
  readonly samples: boolean;
  /** Where its prefill ends, or undefined: it decodes. */
  readonly prefillOf: number | undefined;
  readonly encodes: readonly EncoderItem[];
  /** Whether it comes from the queue. */
  readonly admitted: boolean;
  /** Preemptions before: if there are more when the step ends, its KV is lost. */
  readonly preemptions: number;
}

/** A rank's share of a step, members in order of admission. */
export interface Share {
  readonly members: Member[];
  /** Whether somebody was preempted for it. */
  preempted: boolean;
  /** Outputs that were handed out before the step's end (`blis` mode: to one that hung up). */
  early: number;
}

export const emptyShare = (): Share => ({ members: [], preempted: false, early: 0 });

/** Distinct adapters in a share; without LoRA they don't matter. */
export const adaptersOf = ({ members }: Share, { mode, lora }: EngineConfig): readonly string[] => {
  if (lora === undefined || mode === "blis") return [];
  return [...new Set(members.flatMap(({ sequence }) => sequence.request.adapter ?? []))];
};

/** What its work is made of. */
export const batchOf = (share: Share, config: EngineConfig): Batch => {
  const batch = new Batch(windowOf(config));
  for (const { start, tokens, prefillOf, encodes } of share.members) {
    if (prefillOf !== undefined) batch.addPrefill(start, tokens, prefillOf);
    // A wholly cached prompt in `blis` mode costs nothing, but still brings the first output (D1).
    else if (tokens > 0) batch.addDecode(tokens, start);
    for (const item of encodes) batch.encoderTokens += item.tokens;
  }
  batch.adapters = adaptersOf(share, config).length;
  return batch;
};

/** The smallest window of all layers; 0: none has one. */
const windowOf = ({ mode, kvGroups = [] }: EngineConfig): number => {
  const windows = mode === "blis" ? [] : kvGroups.flatMap(({ window }) => window ?? []);
  return windows.length === 0 ? 0 : Math.min(...windows);
};
