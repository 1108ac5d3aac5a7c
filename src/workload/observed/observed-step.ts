// Traffic as production's own metrics tell it. `production.ts` says which families tell what; `traffic-fold.ts` turns
// their raw samples into steps, each with the requests that arrived in it, by class, and histograms of their lengths;
// `length-table.ts` draws lengths from a histogram, and `observed-source.ts` requests from steps.

/** Lengths as they were counted in a histogram's buckets. */
export interface LengthHistogram {
  /** Upper bounds in tokens, ascending, without +Inf. */
  readonly bounds: readonly number[];
  /** Per bucket, not cumulative; one more than bounds (the last is +Inf's). Not whole where a scrape crossed a step's end. */
  readonly counts: readonly number[];
  /** Of all lengths; undefined: not exported, or not for all of them. */
  readonly sum: number | undefined;
}

/** Requests of one class within a step. */
export interface ObservedClass {
  /** Names the class and its random streams: its labels, `llama-8b` or `llama-8b/priority=1`. */
  readonly name: string;
  /** As requests ask for it; left out: the series don't say. */
  readonly model?: string;
  /** At the gateway; left out: the series don't say. */
  readonly priority?: number;
  /** That arrived; not whole where a scrape crossed a step's end. */
  readonly requests: number;
  /** Of requests whose length became known in the step; left out: of none. */
  readonly prompts?: LengthHistogram;
  readonly outputs?: LengthHistogram;
  /** Prompt tokens looked up in the prefix cache, and those found there. Left out: not exported. */
  readonly prefix?: { readonly queried: number; readonly found: number };
}

/** A stretch of production's time. */
export interface ObservedStep {
  /** From the start of the window, in microseconds. */
  readonly fromMicros: number;
  /** In order of name; classes without anything are left out. */
  readonly classes: readonly ObservedClass[];
  /** Share of the step of which the samples tell, 0 to 1: 0 means that nothing is known, not that nothing came. */
  readonly coverage: number;
}

/** What the samples were like, for whoever reads the status. */
export interface ObservedNotes {
  /** Pods, or gateways, whose samples were used. */
  readonly targets: number;
  /** Times that a counter began anew: a restart. What it had counted since its last scrape is lost. */
  readonly resets: number;
  /** Stretches without a sample of a target, longer than five minutes. What was counted over one is spread over it. */
  readonly gaps: number;
  /** Samples that were no number, or negative, left out. */
  readonly badSamples: number;
  /** Histograms whose +Inf bucket had to be taken from their count, or was missing altogether. */
  readonly withoutInf: number;
  /** Whether targets had different bucket bounds: the bounds that all have are used. */
  readonly mixedBounds: boolean;
  /** Requests that came to be known when their step was closed already: left out. */
  readonly late: number;
}
