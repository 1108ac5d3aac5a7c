/** How long keys waited in the work queue, as the operator's log tells of each (at `--log-level debug`). */
export interface Waits {
  readonly count: number;
  readonly p50Seconds: number;
  readonly p90Seconds: number;
  readonly p99Seconds: number;
  readonly longestSeconds: number;
}

interface Reconciled {
  readonly message: string;
  readonly priority: "edit" | "resync";
  readonly waitedSeconds: number;
  readonly seconds: number;
}

/** @param log lines of JSON, and perhaps others @returns by priority, and how long the looks themselves took */
export const queueWaits = (log: string): Readonly<Record<"edit" | "resync" | "looks", Waits>> => {
  const reconciled = log.split("\n").flatMap((line) => {
    if (!line.includes('"message":"reconciled"')) return [];
    try {
      return [JSON.parse(line) as Reconciled];
    } catch {
      // Cut where the log was.
      return [];
    }
  });
  const of = (which: "edit" | "resync"): Waits =>
    waitsOf(reconciled.filter(({ priority }) => priority === which).map(({ waitedSeconds }) => waitedSeconds));
  return { edit: of("edit"), resync: of("resync"), looks: waitsOf(reconciled.map(({ seconds }) => seconds)) };
};

const waitsOf = (seconds: readonly number[]): Waits => {
  const sorted = [...seconds].sort((a, b) => a - b);
  // The least that so many of them don't exceed.
  const at = (share: number): number =>
    Number((sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0).toFixed(3));
  return {
    count: sorted.length,
    p50Seconds: at(0.5),
    p90Seconds: at(0.9),
    p99Seconds: at(0.99),
    longestSeconds: at(1),
  };
};
