import { rngOf, type Streams } from "../../sim/rng.ts";
import { AgentTrace } from "../agent-trace.ts";
import { type RetrySaid, retrySchema } from "../retry.ts";
import { RetryingSource } from "../retrying-source.ts";
import { type ReplayOptions, SessionTrace } from "../session-trace.ts";
import type { PassedOver, WorkloadSource } from "../source.ts";
import { type TraceOptions, TraceReader } from "../trace-reader.ts";
import { agenticCoding } from "./agentic-coding.ts";
import { azure2023 } from "./azure-2023.ts";
import { azure2024 } from "./azure-2024.ts";
import { azure2025 } from "./azure-2025.ts";
import { blisV2 } from "./blis-v2.ts";
import { burstgpt } from "./burstgpt.ts";
import { dynamoAgent } from "./dynamo-agent.ts";
import { mooncake } from "./mooncake.ts";
import { ServeGenTrace } from "./servegen.ts";

export { CONTEXT_GROWTHS, type ContextGrowth } from "../live-sessions.ts";
export { type ReplayOptions, SESSION_MODES } from "../session-trace.ts";
export { type RetrySaid, retrySchema };

/** Formats of recorded traffic, each as its publisher writes it. */
export const traceFormats = [
  "agentic-coding",
  "azure-2023",
  "azure-2024",
  "azure-2025",
  "blis-v2",
  "burstgpt",
  "dynamo-agent",
  "mooncake",
  "servegen",
] as const;
export type TraceFormat = (typeof traceFormats)[number];

/** Formats whose rows are sessions: they can be replayed in a closed loop. */
export const SESSION_FORMATS: readonly TraceFormat[] = ["agentic-coding", "blis-v2", "dynamo-agent"];

export type TraceSaid = TraceOptions & {
  readonly format: TraceFormat;
  /** Of formats with sessions; left out: as the trace has it. */
  readonly replay?: ReplayOptions | undefined;
  /** Of azure-2025: what an image becomes. */
  readonly imageTokens?: number | undefined;
  readonly retry?: RetrySaid | undefined;
};

const AS_RECORDED: ReplayOptions = { sessions: "auto", contextGrowth: "none", clock: "zero" };
/** What an image is taken to be where nothing is said: a tile of 336 x 336 pixels in patches of 14 (LLaVA 1.5). */
export const IMAGE_TOKENS = 576;

/** A source that is fed a trace. */
export interface TraceSource extends WorkloadSource {
  feed(text: string | undefined): void;
  readonly skipped: PassedOver;
  readonly dropped: PassedOver;
}

interface Reading extends TraceSource {
  readonly freeId: () => number;
}

/** A source that reads: it is fed text in blocks of any size, and answers `starved` when it needs more. */
export const traceSource = (said: TraceSaid, streams: Streams = rngOf(0)): TraceSource => {
  const source = reading(said, streams);
  const { retry } = said;
  if (retry === undefined) return source;
  const policy = { said: retry, rng: streams.stream("workload/trace/retries") };
  return new RetryingSource(source, () => policy, source.freeId);
};

const reading = (said: TraceSaid, streams: Streams): Reading => {
  const { format, replay = AS_RECORDED } = said;
  switch (format) {
    case "agentic-coding":
      return new AgentTrace(agenticCoding(), said, replay.sessions);
    case "azure-2023":
      return new TraceReader(azure2023(), said);
    case "azure-2024":
      return new TraceReader(azure2024(), said);
    case "azure-2025":
      return new TraceReader(azure2025(said.imageTokens ?? IMAGE_TOKENS), said);
    case "blis-v2":
      return new SessionTrace(blisV2(), said, replay);
    case "burstgpt":
      return new TraceReader(burstgpt(), said);
    case "dynamo-agent":
      return new AgentTrace(dynamoAgent(), said, replay.sessions);
    case "mooncake":
      return new TraceReader(mooncake(), said);
    case "servegen":
      return new ServeGenTrace(said, streams);
    default:
      return format satisfies never;
  }
};
