import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeProblem } from "../../src/model/problem.ts";
import { accuracyOf } from "../../src/validation/accuracy.ts";
import { readMeasuredRuns } from "../../src/validation/measured-run.ts";
import { accuracyTables } from "./accuracy-tables.ts";
import { measuredData } from "./measured-data.ts";

/**
 * Replays measured runs and says how far off the twin is: `npm run bench:accuracy [-- --data FILE] [--json FILE]
 * [--model NAME] [--seed N]`. Without --data it takes the training runs of ../shared.
 */
const { values } = parseArgs({
  options: {
    data: { type: "string" },
    json: { type: "string" },
    model: { type: "string", default: "physical" },
    seed: { type: "string", default: "1" },
  },
});

/** What the summary has in any case: null where no run was measured so. */
const ABSENT = Object.fromEntries(
  ["e2e_mean", "e2e_p90", "e2e_p99", "ttft_mean", "ttft_p90", "ttft_p99", "itl_mean", "tpot_mean"].map((metric) => [
    metric,
    null,
  ]),
);

const file = values.data ?? measuredData("train.json");
if (file === undefined) {
  console.error("there is no measured data beside the checkout (../shared/validation); name a file with --data");
  process.exit(2);
}
const began = performance.now();
let json: unknown;
try {
  json = JSON.parse(readFileSync(file, "utf8"));
} catch (cause) {
  console.error(`${file} can't be read as JSON: ${(cause as Error).message}`);
  process.exit(2);
}
const read = readMeasuredRuns(json, file);
for (const problem of read.ok ? read.warnings : read.problems) console.error(describeProblem(problem));
if (!read.ok) process.exit(2);
const accuracy = accuracyOf(read.value.runs, { model: values.model, seed: Number(values.seed) });
if (!accuracy.ok) {
  for (const problem of accuracy.problems) console.error(describeProblem(problem));
  process.exit(2);
}
for (const problem of accuracy.warnings) console.error(describeProblem(problem));
console.log(accuracyTables(accuracy.value));
console.log(`${read.value.runs.length} runs in ${((performance.now() - began) / 1000).toFixed(1)} s`);
if (values.json !== undefined) {
  const { median, mean } = accuracy.value.summary;
  const summary = { median: { ...ABSENT, ...median }, mean: { ...ABSENT, ...mean } };
  writeFileSync(values.json, `${JSON.stringify({ ...accuracy.value, summary }, null, 2)}\n`);
}
