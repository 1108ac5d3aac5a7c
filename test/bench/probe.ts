import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { describeProblem } from "../../src/model/problem.ts";
import { type ProbedStep, probedSteps } from "../../src/validation/probed-steps.ts";

/** Sets the twin's step times beside those that probe/gpu_probe.py measured: `npm run bench:probe -- FILE [--gpu NAME]`. */
const { values, positionals } = parseArgs({ options: { gpu: { type: "string" } }, allowPositionals: true });
const [file] = positionals;
if (file === undefined || positionals.length > 1) {
  console.error("name one file that probe/gpu_probe.py wrote: npm run bench:probe -- h200.json");
  process.exit(2);
}

const read = (): unknown => {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    console.error(`${file} can't be read as JSON: ${(cause as Error).message}`);
    process.exit(2);
  }
};
const probed = probedSteps(read(), file, values.gpu);
for (const problem of probed.ok ? probed.warnings : probed.problems) console.error(describeProblem(problem));
if (!probed.ok) process.exit(2);

const { hardware, steps } = probed.value;
const head = [
  `layer on ${hardware.id}`,
  "precision",
  "step",
  "measured us",
  "p10–p90",
  "twin us",
  "twin off",
  "peak us",
  "of peak",
];
const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const table = new Table({ head, style: { head: [], border: [] }, colAligns: ["left", "left", "left"] });
for (const { row, predictedMicrosPerLayer, leastMicrosPerLayer } of steps) {
  const { p10, p50, p90 } = row.microsPerLayer;
  const what = row.step === "prefill" ? `prefill ${row.promptTokens}` : `decode ${row.requests} × ${row.contextTokens}`;
  table.push([
    `${row.model} TP ${row.tp}${row.attention === "none" ? ", no attention" : ""}`,
    row.precision,
    what,
    p50.toFixed(1),
    `${p10.toFixed(1)}–${p90.toFixed(1)}`,
    predictedMicrosPerLayer.toFixed(1),
    percent(predictedMicrosPerLayer / p50 - 1),
    leastMicrosPerLayer.toFixed(1),
    percent(leastMicrosPerLayer / p50),
  ]);
}
console.log(table.toString());

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;
const off = ({ row, predictedMicrosPerLayer }: ProbedStep): number =>
  Math.abs(predictedMicrosPerLayer / row.microsPerLayer.p50 - 1);
for (const kind of ["decode", "prefill"] as const) {
  const these = steps.filter(({ row }) => row.step === kind);
  if (these.length > 0)
    console.log(`${kind}: median absolute difference ${percent(median(these.map(off)))} of ${these.length} steps`);
}
