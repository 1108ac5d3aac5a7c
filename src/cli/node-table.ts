import Table from "cli-table3";
import type { NodeKpis, Report } from "../report/report.ts";
import { compact, plain, right } from "./cell.ts";
import { number, seconds } from "./formats/figure.ts";

/** What the pools of nodes came to; none where nodes aren't simulated. Of the first replication. */
export const nodeTables = ({ kpis: { nodes } }: Report): string[] => (nodes === undefined ? [] : [nodeTable(nodes)]);

const nodeTable = ({ pools, cost, schedulingSeconds: waited }: NodeKpis): string => {
  const rows = new Table({
    head: ["node pool", "nodes min / mean / max", "node-hours", "GPU-hours", "of them held by pods", "cost"],
    colAligns: ["left", ...right(5)],
    style: plain,
    chars: compact,
  });
  for (const [name, { nodes, nodeHours, gpuHours, allocatedGpuHours, cost: own }] of Object.entries(pools)) {
    rows.push([
      name,
      `${number(nodes.min)} / ${number(nodes.mean)} / ${number(nodes.max)}`,
      ...[nodeHours, gpuHours, allocatedGpuHours].map(number),
      own === undefined ? "no price" : number(own),
    ]);
  }
  const waits =
    waited.count === 0 ? "" : `pods waited ${seconds(waited.mean)} for a node, ${seconds(waited.max)} at most\n`;
  const all = cost === undefined || Object.keys(pools).length < 2 ? "" : `cost of all pools: ${number(cost)}\n`;
  return `${rows.toString()}\n${waits}${all}`;
};
