import { failedRequests } from "./failures.ts";
import type { GroupKpis, Groups, Kpis, PoolKpis } from "./report.ts";

/** Key figures of one group, flat, means over the replications that have it. */
export interface GroupRow {
  readonly kind: "class" | "model" | "tenant" | "round" | "pool";
  readonly name: string;
  /** Of a pool: those that ended there. */
  readonly requests: number;
  readonly completed: number;
  readonly failed: number;
  readonly ttftP50Seconds: number;
  readonly ttftP99Seconds: number;
  readonly tpotP99Seconds: number;
  readonly e2eP99Seconds: number;
  readonly outputTokensPerSecond: number;
  /** Where the group has targets. */
  readonly sloAttainmentRatio?: number;
}

const KINDS = [
  ["classes", "class"],
  ["models", "model"],
  ["tenants", "tenant"],
  ["rounds", "round"],
  ["pools", "pool"],
] as const satisfies readonly (readonly [keyof Groups, GroupRow["kind"]])[];

/**
 * @param runs KPIs per replication
 * @param most rows of one kind: those with the most requests, in the order of the report
 * @returns rows kind by kind, and how many groups were left out
 */
export const groupRows = (
  runs: readonly Kpis[],
  most: number,
): { readonly rows: readonly GroupRow[]; readonly leftOut: number } => {
  const kinds = KINDS.map(([key, kind]) => {
    const tables = runs.map(({ groups }): Readonly<Record<string, Group>> => groups?.[key] ?? {});
    const names = [...new Set(tables.flatMap((table) => Object.keys(table)))];
    return names.map((name) =>
      meanOf(
        kind,
        name,
        tables.flatMap((table) => table[name] ?? []),
      ),
    );
  });
  const rows = kinds.flatMap((all) => largest(all, most));
  return { rows, leftOut: kinds.flat().length - rows.length };
};

const largest = (rows: readonly GroupRow[], most: number): readonly GroupRow[] => {
  const kept = new Set([...rows].sort((a, b) => b.requests - a.requests).slice(0, most));
  return rows.filter((row) => kept.has(row));
};

type Group = GroupKpis | PoolKpis;

const meanOf = (kind: GroupRow["kind"], name: string, groups: readonly Group[]): GroupRow => {
  const mean = (of: (group: Group) => number, over = groups): number =>
    Number((over.reduce((sum, group) => sum + of(group), 0) / over.length).toPrecision(6));
  const targeted = groups.filter((group) => "slo" in group && group.slo !== undefined);
  return {
    kind,
    name,
    requests: mean(({ requests }) => ("arrived" in requests ? requests.arrived : requests.ended)),
    completed: mean(({ requests }) => requests.completed),
    failed: mean(({ requests }) => failedRequests(requests)),
    ttftP50Seconds: mean(({ ttftSeconds }) => ttftSeconds.p50),
    ttftP99Seconds: mean(({ ttftSeconds }) => ttftSeconds.p99),
    tpotP99Seconds: mean(({ tpotSeconds }) => tpotSeconds.p99),
    e2eP99Seconds: mean(({ e2eSeconds }) => e2eSeconds.p99),
    outputTokensPerSecond: mean((group) => group.outputTokensPerSecond),
    ...(targeted.length === 0
      ? {}
      : { sloAttainmentRatio: mean((group) => ("slo" in group ? (group.slo?.attainmentRatio ?? 0) : 0), targeted) }),
  };
};
