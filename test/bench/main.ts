import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { buildBundles, forNode } from "../../bundles.mjs";
import type { Told } from "./case.ts";
import { caseNamed, NAMED_CASES } from "./cases.ts";
import { plainEnv } from "./plain-env.ts";

/**
 * Measures whole worlds, each case in a process of its own: `npm run bench`, `npm run bench -- --case d --json FILE`. Times
 * are those of the process, from its start to its end, run from a bundle and what was kept of it, as the program is. Without `--case`: the named
 * cases, and how things grow with requests and replicas.
 */
export interface Measured extends Told {
  readonly wallSeconds: number;
  readonly requestsPerSecond: number;
  readonly simulatedSecondsPerSecond: number;
}

const GROWTH = ["1x10k", "1x20k", "1x200k", "8x10k", "8x20k", "8x200k"];
const WIDTHS = [8, 8, 13, 16, 11];

const USAGE = `npm run bench -- [--case NAME] [--json FILE]

  --case NAME   one case instead of all: ${NAMED_CASES.join(", ")}, or such as 8x200k (8 replicas, 200 000 requests)
  --json FILE   also write what was measured, as JSON
  --help        this text`;

const badUsage = (error: unknown): never => {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(2);
};

const asked = () => {
  try {
    const options = {
      case: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h" },
    } as const;
    const { values } = parseArgs({ options });
    if (values.case !== undefined) caseNamed(values.case);
    return values;
  } catch (error) {
    return badUsage(error);
  }
};

const said = asked();
if (said.help === true) {
  console.log(USAGE);
  process.exit(0);
}
const wanted = said.case === undefined ? [...NAMED_CASES, ...GROWTH] : [said.case];
const folder = mkdtempSync(join(tmpdir(), "servetwin-bench-"));
const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const { case: file } = await buildBundles({ case: pathOf("case.ts") }, folder);
const bundle = join(folder, file as string);
const start = join(folder, "start.mjs");
await build({ ...forNode, entryPoints: [pathOf("case-start.ts")], outfile: start, format: "esm" });
const env = plainEnv();
// The first start keeps what it compiles for the others, as the program's does.
spawnSync(process.execPath, [start, bundle, "b"], { env });

const measure = (name: string): Measured => {
  const began = performance.now();
  const child = spawnSync(process.execPath, [start, bundle, name], {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const wallSeconds = (performance.now() - began) / 1000;
  if (child.status !== 0) throw new Error(`case ${name} ended with ${child.status}`);
  const told = JSON.parse(child.stdout) as Told;
  return {
    ...told,
    wallSeconds,
    requestsPerSecond: told.requests / wallSeconds,
    simulatedSecondsPerSecond: told.simulatedSeconds / wallSeconds,
  };
};

const row = (name: string, columns: readonly (string | number)[]): string =>
  name.padEnd(9) + columns.map((column, i) => String(column).padStart(WIDTHS[i] ?? 0)).join("");

console.log(row("case", ["wall s", "CPU s", "requests/s", "simulated s/s", "peak MiB"]));
const measured = wanted.map((name) => {
  const one = measure(name);
  const rates = [one.requestsPerSecond, one.simulatedSecondsPerSecond, one.peakMiB].map(Math.round);
  console.log(row(name, [one.wallSeconds.toFixed(2), one.cpuSeconds.toFixed(2), ...rates]));
  return one;
});
rmSync(folder, { recursive: true });
if (said.json !== undefined) {
  const [only] = measured;
  const told = said.case === undefined ? measured : only;
  writeFileSync(said.json, `${JSON.stringify(told, null, 2)}\n`);
}
