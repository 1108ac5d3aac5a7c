import Table from "cli-table3";
import type { GatewayKpis, GroupKpis, Kpis, PoolKpis, Report, TurnedAway } from "../report/report.ts";
import { whole } from "../server/digits.ts";
import { compact, plain, right } from "./cell.ts";
import { number, percent, seconds } from "./formats/figure.ts";

/** Figures by class, model, tenant, round and pool, who was turned away, and what the gateway did; of the first replication. */
export const groupTables = ({ kpis }: Report): string[] => [
  ...(kpis.slo === undefined ? [] : [attainment(kpis)]),
  ...KINDS.flatMap(([kind, title]) => {
    const groups = kpis.groups?.[kind];
    return groups === undefined ? [] : [groupTable(title, groups)];
  }),
  ...(kpis.groups?.pools === undefined ? [] : [poolTable(kpis.groups.pools)]),
  ...(kpis.turnedAway === undefined ? [] : [turnedAwayTable(kpis.turnedAway)]),
  ...(kpis.gateway === undefined ? [] : [gatewayTable(kpis.gateway)]),
];

const KINDS = [
  ["classes", "class"],
  ["models", "model"],
  ["tenants", "tenant"],
  ["rounds", "round"],
] as const;

const attainment = ({ slo, fairness }: Kpis): string => {
  const met = `objectives of requests: ${percent(slo?.attainmentRatio ?? 0)} attained, goodput ${number(slo?.goodputPerSecond ?? 0)} requests/s`;
  return fairness === undefined
    ? `${met}\n`
    : `${met}; fairness among ${whole(fairness.tenants)} tenants (Jain) ${number(fairness.jainIndex)}\n`;
};

const groupTable = (title: string, groups: Readonly<Record<string, GroupKpis>>): string => {
  const rows = new Table({
    head: [title, "arrived", "completed", "TTFT p50", "p99", "TPOT p50", "p99", "E2E p99", "tokens/s", "attained"],
    colAligns: ["left", ...right(9)],
    style: plain,
    chars: compact,
  });
  for (const [name, group] of Object.entries(groups)) {
    const { requests, ttftSeconds: ttft, tpotSeconds: tpot, e2eSeconds: e2e, slo } = group;
    rows.push([
      name,
      whole(requests.arrived),
      whole(requests.completed),
      ...[ttft.p50, ttft.p99, tpot.p50, tpot.p99, e2e.p99].map(seconds),
      number(group.outputTokensPerSecond),
      slo === undefined ? "" : percent(slo.attainmentRatio),
    ]);
  }
  return `${rows.toString()}\n`;
};

const poolTable = (pools: Readonly<Record<string, PoolKpis>>): string => {
  const rows = new Table({
    head: ["pool", "role", "ended", "prefills", "waiting p99", "TTFT p99", "TPOT p99", "tokens/s", "cache hits"],
    colAligns: ["left", "left", ...right(7)],
    style: plain,
    chars: compact,
  });
  for (const [name, pool] of Object.entries(pools)) {
    rows.push([
      name,
      pool.role,
      whole(pool.requests.ended),
      whole(pool.prefills),
      ...[pool.queueSeconds.p99, pool.ttftSeconds.p99, pool.tpotSeconds.p99].map(seconds),
      number(pool.outputTokensPerSecond),
      percent(pool.prefixCacheHitRatio),
    ]);
  }
  return `${rows.toString()}\n`;
};

const SHOWN = 12;

const turnedAwayTable = (all: readonly TurnedAway[]): string => {
  const rows = new Table({
    head: ["class", "turned away", "reason", "requests"],
    colAligns: ["left", "left", "left", "right"],
    style: plain,
    chars: compact,
  });
  for (const { sloClass, how, reason, count: requests } of all.slice(0, SHOWN))
    rows.push([sloClass, WORDS[how], reason, whole(requests)]);
  const more = all.length > SHOWN ? `… and ${all.length - SHOWN} more (-o json has them)\n` : "";
  return `${rows.toString()}\n${more}`;
};

const WORDS: Readonly<Record<TurnedAway["how"], string>> = {
  rejected: "rejected",
  overloaded: "refused, queue full",
  timedOut: "timed out",
  aborted: "aborted",
  shed: "shed",
  expired: "expired",
};

const gatewayTable = ({
  held,
  dispatched,
  heldAtEnd,
  queueSeconds,
  priorityInversions,
  transfers,
}: GatewayKpis): string => {
  const rows = new Table({ style: plain, chars: compact, colAligns: ["left", "right", "left", "right"] });
  rows.push(
    ["held by the gateway", whole(held), "waiting there p50", seconds(queueSeconds.p50)],
    ["let go", whole(dispatched), "waiting there p99", seconds(queueSeconds.p99)],
    ["held at the end", whole(heldAtEnd), "priority inversions", whole(priorityInversions)],
  );
  if (transfers.started > 0) {
    rows.push(
      ["KV transfers", whole(transfers.ended), "transfer p50", seconds(transfers.seconds.p50)],
      ["transfers failed", whole(transfers.failed), "transferred", `${number(transfers.bytes / 1e9)} GB`],
    );
  }
  return `${rows.toString()}\n`;
};
