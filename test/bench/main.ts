import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/**
 * Measures the core, each case in a process of its own: `npm run bench`, `npm run bench -- --case 8x10k --json FILE`.
 * One figure per case of wall time, requests and simulated seconds per second of wall time, and peak memory.
 */
export interface Measured {
  readonly case: string;
  readonly wallSeconds: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly simulatedSecondsPerSecond: number;
  readonly peakMiB: number;
}

const CASES = ["1x10k", "1x20k", "1x200k", "8x10k", "8x20k", "8x200k"];

const { values } = parseArgs({ options: { case: { type: "string" }, json: { type: "string" } } });
const wanted = values.case === undefined ? CASES : [values.case];
const measured: Measured[] = [];
console.log("case      wall s   requests/s   simulated s/s   peak MiB");
for (const name of wanted) {
  const child = spawnSync(
    process.execPath,
    ["--import", "tsx", fileURLToPath(new URL("case.ts", import.meta.url)), name],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  if (child.status !== 0) throw new Error(`case ${name} ended with ${child.status}`);
  const one = JSON.parse(child.stdout) as Measured;
  measured.push(one);
  const columns = [
    one.wallSeconds.toFixed(2),
    Math.round(one.requestsPerSecond),
    Math.round(one.simulatedSecondsPerSecond),
    Math.round(one.peakMiB),
  ];
  console.log(name.padEnd(9) + columns.map((column, i) => String(column).padStart([6, 13, 16, 11][i] ?? 0)).join(""));
}
if (values.json !== undefined)
  (await import("node:fs")).writeFileSync(values.json, `${JSON.stringify(measured, null, 2)}\n`);
