import Table from "cli-table3";
import { dump } from "js-yaml";
import { VERSION } from "../model/version.ts";
import type { Metric } from "../validation/measured-run.ts";
import type { Refined, RefinedRun, RefinedValue } from "../validation/refine.ts";
import { median, SCORED } from "../validation/score.ts";

/** What `fit-model` prints: runs before and after, the values that moved, and what is left of the uncertainty. */
export const fitReport = (refined: Refined, name: string): string => {
  const { runs, values, figures, deviation } = refined;
  const felt = values.filter(({ state }) => state !== "unfelt");
  const moved = felt.filter(({ state }) => state === "moved");
  const kept = felt.filter(({ state }) => state === "prior").map((one) => one.name);
  const lines = [
    `${name}: ${counted(figures, "measured figure")} of ${counted(runs.length, "run")}. Simulated figures are simulated, not measured.`,
    "",
    runTable(runs),
    "",
    medians(runs),
    "",
    moved.length === 0 ? "nothing moved: the runs say no more than was known before" : valueTable(moved),
    "",
    ...(kept.length === 0
      ? []
      : [`left as fitted to many servers, since these runs hardly tell them apart: ${kept.join(", ")}`]),
    ...(figures < felt.length
      ? [
          `${counted(figures, "figure")} can't tell ${felt.length} values: runs at other concurrencies and lengths would move more of them`,
        ]
      : []),
    `step time is known to ${percent(deviation.after)} (standard deviation), ${percent(deviation.before)} before`,
    "",
  ];
  return lines.join("\n");
};

/** The part of an InferenceSimulation that makes it simulate the measured deployment. */
export const fitPatch = ({ corrections }: Refined): object => ({
  spec: { overrides: { engine: { latencyCorrections: corrections } } },
});

/** As a file: JSON where its name says so, YAML with a word on what it is otherwise. */
export const patchText = (refined: Refined, name: string, file: string): string => {
  const patch = fitPatch(refined);
  if (file.endsWith(".json")) return `${JSON.stringify(patch, null, 2)}\n`;
  return [
    `# Fitted by servetwin ${VERSION} fit-model to ${counted(refined.figures, "measured figure")} of ${name}.`,
    "# kubectl patch inferencesimulation NAME --type merge --patch-file THIS, or merge it into the manifest.",
    dump(patch, { noRefs: true }),
  ].join("\n");
};

const runTable = (runs: readonly RefinedRun[]): string => {
  const rows = new Table({
    head: ["run", "figure", "measured", "before", "error", "80 % within", "after", "error", "80 % within"],
    colAligns: ["left", "left", ...Array.from({ length: 7 }, () => "right" as const)],
    style: PLAIN,
    chars: COMPACT,
  });
  for (const { run, before, after } of runs) {
    SCORED.filter((metric) => before.score.signed[metric] !== undefined).forEach((metric, i) => {
      rows.push([
        i === 0 ? run.id : "",
        FIGURES[metric],
        amount(run.measured[metric], metric),
        ...[before, after].flatMap(({ score, bands }) => [
          amount(score.predicted[metric], metric),
          signed(score.signed[metric]),
          `${plain(bands.p10[metric])}–${plain(bands.p90[metric])}`,
        ]),
      ]);
    });
  }
  return rows.toString();
};

const medians = (runs: readonly RefinedRun[]): string => {
  const of = (side: "before" | "after"): string => {
    const all = runs.flatMap((run) => Object.values(run[side].score.errors));
    return all.length === 0 ? "–" : `${median(all).toFixed(1)} %`;
  };
  return `median error of all figures: ${of("before")} before, ${of("after")} after`;
};

const valueTable = (moved: readonly RefinedValue[]): string => {
  const rows = new Table({
    head: ["value", "before", "×/÷", "after", "×/÷", "what it is"],
    colAligns: ["left", "right", "right", "right", "right", "left"],
    style: PLAIN,
    chars: COMPACT,
  });
  for (const one of moved) {
    rows.push([
      one.name,
      plain(one.before),
      Math.exp(one.deviationBefore).toFixed(2),
      plain(one.after),
      Math.exp(one.deviationAfter).toFixed(2),
      one.meaning.replace(/^us /, ""),
    ]);
  }
  return rows.toString();
};

const FIGURES: Readonly<Record<Metric, string>> = {
  e2e_mean: "end to end, mean",
  e2e_p90: "end to end, p90",
  e2e_p99: "end to end, p99",
  ttft_mean: "first token, mean",
  ttft_p90: "first token, p90",
  ttft_p95: "first token, p95",
  ttft_p99: "first token, p99",
  itl_mean: "inter-token, mean",
  itl_mean_published: "inter-token, mean",
  itl_median: "inter-token, median",
  tpot_mean: "time per output token",
  output_tokens_per_s: "output tokens per second",
};

const amount = (value: number | undefined, metric: Metric): string =>
  value === undefined ? "–" : `${plain(value)}${metric === "output_tokens_per_s" ? " /s" : " ms"}`;
const plain = (value: number | undefined): string =>
  value === undefined ? "–" : value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
const signed = (value: number | undefined): string =>
  value === undefined ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)} %`;
const percent = (deviation: number): string => `${(100 * deviation).toFixed(1)} %`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

const PLAIN = { head: [], border: [] };
/** Without lines between rows. */
const COMPACT = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };
