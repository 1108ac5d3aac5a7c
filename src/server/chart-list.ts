import { latency, percent, plain } from "./amount.ts";

export interface ChartKind {
  readonly id: string;
  readonly title: string;
  /** Columns of the timeline, and what the chart calls them; at most two. */
  readonly lines: readonly { readonly name: string; readonly column: string }[];
  readonly format: (value: number) => string;
  /** A value holds for its whole bucket. */
  readonly step?: boolean;
  /** Zero means that there was nothing to measure. */
  readonly gaps?: boolean;
  /** Marks where somebody changed the replicas. */
  readonly decisions?: boolean;
  /** On the list too. */
  readonly main?: boolean;
}

/** What the pages draw over simulated time, drawn by the server and by the browser alike. */
export const CHARTS: readonly ChartKind[] = [
  {
    id: "replicas",
    title: "Replicas",
    lines: [
      { name: "ready", column: "replicasReady" },
      { name: "wanted", column: "replicasWanted" },
    ],
    format: plain,
    step: true,
    decisions: true,
    main: true,
  },
  {
    id: "queue",
    title: "Requests in the engines",
    lines: [
      { name: "waiting", column: "waiting" },
      { name: "running", column: "running" },
    ],
    format: plain,
    main: true,
  },
  {
    id: "ttft",
    title: "Time to first token",
    lines: [
      { name: "p99", column: "ttftP99Seconds" },
      { name: "p50", column: "ttftP50Seconds" },
    ],
    format: latency,
    gaps: true,
    main: true,
  },
  {
    id: "rate",
    title: "Requests per second",
    lines: [
      { name: "arriving", column: "arrivalsPerSecond" },
      { name: "completed", column: "completionsPerSecond" },
    ],
    format: plain,
  },
  {
    id: "kv",
    title: "KV cache in use",
    lines: [{ name: "mean of replicas", column: "kvUsageRatio" }],
    format: percent,
  },
  {
    id: "tokens",
    title: "Output tokens per second",
    lines: [{ name: "all replicas", column: "outputTokensPerSecond" }],
    format: plain,
  },
];
