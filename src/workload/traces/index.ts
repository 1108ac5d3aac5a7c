import { type TraceOptions, TraceReader } from "../trace-reader.ts";
import type { RowReader } from "../trace-row.ts";
import { azure2023 } from "./azure-2023.ts";
import { azure2024 } from "./azure-2024.ts";
import { burstgpt } from "./burstgpt.ts";
import { mooncake } from "./mooncake.ts";

/** Formats of recorded traffic, each as its publisher writes it. */
export const traceFormats = ["azure-2023", "azure-2024", "burstgpt", "mooncake"] as const;
export type TraceFormat = (typeof traceFormats)[number];

const readers: { readonly [Name in TraceFormat]: () => RowReader } = {
  "azure-2023": azure2023,
  "azure-2024": azure2024,
  burstgpt,
  mooncake,
};

/** A source that reads: it is fed text in blocks of any size, and answers `starved` when it needs more. */
export const traceSource = (said: TraceOptions & { readonly format: TraceFormat }): TraceReader =>
  new TraceReader(readers[said.format](), said);
