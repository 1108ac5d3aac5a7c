import Table from "cli-table3";
import { dump } from "js-yaml";
import type { Swept, Tried } from "../../operator/sweep/swept.ts";
import { whole } from "../../server/digits.ts";
import { right } from "../cell.ts";

/** Of what died early. */
const SHOWN = 10;

/** For people: what was tried (best first), the frontier, and the change to make. */
export const sweepTable = (sweeps: readonly Swept[]): string => sweeps.map(textOf).join("\n");

const textOf = (swept: Swept): string => {
  const { simulation, search, parameters, combinations, oracle, tried, impossible, recommended } = swept;
  const unit = tried[0]?.score.costUnit === "cost" ? "cost" : "GPU-hours";
  const table = new Table({
    head: [
      ...parameters.map((_, i) => `[${i + 1}]`),
      ...["SLO attainment", unit, "GPU-hours of regret", "objectives", "replications", "frontier"],
    ],
    style: { head: [], border: [] },
    colAligns: right(parameters.length + 6),
  });
  const most = tried[0]?.replications ?? 0;
  const finished = tried.filter(({ replications }) => replications === most);
  const shown = tried.slice(0, Math.max(finished.length, SHOWN));
  table.push(...shown.map(rowOf));
  const lines = [
    `${simulation}: ${search} search, ${tried.length} of ${whole(combinations)} combinations tried. Simulated, not measured.`,
    ...parameters.map((parameter, i) => `  [${i + 1}] ${parameter}`),
    table.toString(),
  ];
  if (oracle !== undefined) lines.push(oracleLine(oracle));
  if (shown.length < tried.length) lines.push(`${tried.length - shown.length} more did worse (-o json names them).`);
  if (impossible.length > 0)
    lines.push(
      `${impossible.length} can't be simulated, such as ${JSON.stringify(impossible[0]?.values)}: ${impossible[0]?.why}`,
    );
  if (recommended === undefined) {
    lines.push("None of them meets the objectives: the first row misses them by least.");
    return `${lines.join("\n")}\n`;
  }
  lines.push(
    "",
    "Recommended, as spec.candidates[].patches takes it:",
    dump(recommended.patches, { noRefs: true }).trimEnd(),
  );
  if (recommended.mergePatch !== undefined) {
    const [kind = "", namespace = "", name = ""] = recommended.mergePatch.object.split("/");
    const patch = JSON.stringify(recommended.mergePatch.patch).replaceAll("'", "'\\''");
    lines.push("", `kubectl patch ${kind.toLowerCase()} ${name} -n ${namespace} --type=merge -p '${patch}'`);
  }
  return `${lines.join("\n")}\n`;
};

const oracleLine = (oracle: NonNullable<Swept["oracle"]>): string =>
  "none" in oracle
    ? `No regret against an all-knowing autoscaler: ${oracle.none}.`
    : `Regret is against an all-knowing autoscaler with pods at once: ${oracle.gpuHours.toFixed(2)} GPU-hours, at most ${oracle.mostReplicas} replicas, ` +
      `each with the ${oracle.replicaPerSecond.toPrecision(3)} requests/s that one alone holds within the objectives.`;

const rowOf = ({ values, score, replications, frontier, regretGpuHours }: Tried): string[] => [
  ...values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))),
  `${(score.attainment * 100).toFixed(1)} %`,
  score.cost.toFixed(2),
  regretGpuHours?.toFixed(2) ?? "",
  score.violation === 0 ? "met" : `missed by ${(score.violation * 100).toFixed(0)} %`,
  String(replications),
  frontier ? "*" : "",
];
