import { type ReplayOptions, SessionTrace } from "../session-trace.ts";
import { type TraceOptions, TraceReader } from "../trace-reader.ts";
import type { RowReader } from "../trace-row.ts";
import { azure2023 } from "./azure-2023.ts";
import { azure2024 } from "./azure-2024.ts";
import { blisV2 } from "./blis-v2.ts";
import { burstgpt } from "./burstgpt.ts";
import { mooncake } from "./mooncake.ts";

export { CONTEXT_GROWTHS, type ContextGrowth } from "../live-sessions.ts";
export { type ReplayOptions, SESSION_MODES } from "../session-trace.ts";

/** Formats of recorded traffic, each as its publisher writes it. */
export const traceFormats = ["azure-2023", "azure-2024", "blis-v2", "burstgpt", "mooncake"] as const;
export type TraceFormat = (typeof traceFormats)[number];

const readers: { readonly [Name in Exclude<TraceFormat, "blis-v2">]: () => RowReader } = {
  "azure-2023": azure2023,
  "azure-2024": azure2024,
  burstgpt,
  mooncake,
};

export type TraceSaid = TraceOptions & {
  readonly format: TraceFormat;
  /** Of formats with sessions; left out: as the trace has it. */
  readonly replay?: ReplayOptions | undefined;
};

const AS_RECORDED: ReplayOptions = { sessions: "auto", contextGrowth: "none", clock: "zero" };

/** A source that reads: it is fed text in blocks of any size, and answers `starved` when it needs more. */
export const traceSource = (said: TraceSaid): TraceReader | SessionTrace =>
  said.format === "blis-v2"
    ? new SessionTrace(blisV2(), said, said.replay ?? AS_RECORDED)
    : new TraceReader(readers[said.format](), said);
