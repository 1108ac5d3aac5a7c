import Table from "cli-table3";
import type { Finding } from "../report/finding.ts";
import type { LoopKpis, Report } from "../report/report.ts";
import { whole } from "../server/digits.ts";
import { compact, plain, right } from "./cell.ts";
import { number, seconds } from "./formats/figure.ts";

/** How the autoscalers did, and what is wrong with them; of the first replication. */
export const loopTables = ({ kpis, findings = [], syncs = [] }: Report): string[] => [
  ...(kpis.controlLoops === undefined ? [] : [loopTable(kpis.controlLoops)]),
  ...syncs.map(
    ({ autoscaler, syncs: all, rows }) =>
      `${autoscaler}: ${whole(all)} syncs, ${whole(rows.length)} of them in -o json\n`,
  ),
  ...(kpis.sloMinutes === undefined
    ? []
    : [
        `objectives of requests violated for ${number(kpis.sloMinutes.violation)} min, ${number(kpis.sloMinutes.violationWhileStarting)} min of it while a replica was starting\n`,
      ]),
  ...(findings.length === 0 ? [] : [findingList(findings)]),
];

const loopTable = (loops: Readonly<Record<string, LoopKpis>>): string => {
  const rows = new Table({
    head: ["autoscaler", "reaction", "max", "start-up", "overshoot", "flaps/h", "at min", "at max", "cut", "aborted"],
    colAligns: ["left", ...right(9)],
    style: plain,
    chars: compact,
  });
  for (const [name, loop] of Object.entries(loops)) {
    const { reactionSeconds: reaction, startUpSeconds: start } = loop;
    rows.push([
      name,
      reaction.count === 0 ? "–" : seconds(reaction.mean),
      reaction.count === 0 ? "–" : seconds(reaction.max),
      start.count === 0 ? "–" : seconds(start.mean),
      whole(loop.overshootReplicas),
      number(loop.flapsPerHour),
      ...[loop.secondsAtMin, loop.secondsAtMax, loop.secondsCutByMax].map((length) => `${number(length / 60)} min`),
      whole(loop.streamsAbortedAtScaleIn),
    ]);
  }
  return `${rows.toString()}\n`;
};

const SHOWN = 12;

const findingList = (findings: readonly Finding[]): string => {
  const lines = findings
    .slice(0, SHOWN)
    .map(
      ({ severity, object, field, message, fix }) =>
        `${severity}: ${object}${field === undefined ? "" : ` ${field}`}: ${message}\n  better: ${fix}\n`,
    );
  const more = findings.length > SHOWN ? `… and ${findings.length - SHOWN} more (-o json has them)\n` : "";
  return `${lines.join("")}${more}`;
};
