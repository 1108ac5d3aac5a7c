import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/**
 * This version against another, in one process: each runs some more requests of a case in turn, so that whatever else the machine
 * does disturbs both alike. Prints CPU time per request once all is compiled. `npm run bench:pairs -- CHECKOUT [CASE]`; the case
 * `engine-5` is the engine alone under 5 requests per second.
 */
interface Side {
  /** @returns microseconds of CPU time per request */
  run(requests: number): number;
}

const REQUESTS = 5000;
const ROUNDS = 11;
/** Whose code was compiled meanwhile. */
const WARM_UP = 3;

const here = fileURLToPath(new URL("../..", import.meta.url));
const [other, name = "e"] = process.argv.slice(2);
if (other === undefined) {
  console.error("npm run bench:pairs -- CHECKOUT [CASE]\n\n  CHECKOUT   folder of the version before");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "servetwin-pairs-"));

const world = `
  import { caseNamed } from "./cases.ts";
  import { World } from "../../src/twin/world.ts";
  const world = new World(caseNamed(${JSON.stringify(name)}));
  const load = {
    run: (requests: number) => {
      const until = world.arrived + requests;
      while (world.arrived < until && world.next !== undefined) world.step();
      if (world.arrived < until) throw new Error("the case has too few requests");
    },
  };`;
const perSecond = /^engine-([0-9.]+)$/.exec(name)?.[1];
/** The load is this version's on both sides: the other one may not have it yet. */
const engine = `
  ${readFileSync(join(here, "test/bench/engine-load.ts"), "utf8")}
  const load = new EngineLoad(${perSecond});`;

const sideOf = async (checkout: string, as: string): Promise<Side> => {
  const outfile = join(folder, `${as}.mjs`);
  const contents = `
    ${perSecond === undefined ? world : engine}
    export const run = (requests) => {
      const began = process.cpuUsage();
      load.run(requests);
      const { user, system } = process.cpuUsage(began);
      return (user + system) / requests;
    };`;
  await build({
    stdin: { contents, resolveDir: join(resolve(checkout), "test/bench"), loader: "ts" },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    logLevel: "warning",
  });
  return (await import(pathToFileURL(outfile).href)) as Side;
};

const [before, now] = [await sideOf(other, "before"), await sideOf(here, "now")];
rmSync(folder, { recursive: true });
const pairs = Array.from({ length: WARM_UP + ROUNDS }, (_, i) => {
  const first = i % 2 === 0 ? before.run(REQUESTS) : now.run(REQUESTS);
  const second = i % 2 === 0 ? now.run(REQUESTS) : before.run(REQUESTS);
  return i % 2 === 0 ? { before: first, now: second } : { before: second, now: first };
}).slice(WARM_UP);
const least = (side: "before" | "now"): number => Math.min(...pairs.map((pair) => pair[side]));
const shares = pairs.map((pair) => pair.now / pair.before).sort((a, b) => a - b);
const [a, b, median] = [least("before"), least("now"), shares[ROUNDS >> 1] as number];
console.log(`${name}: ${a.toFixed(1)} us per request before, ${b.toFixed(1)} now`);
console.log(`least to least ${(b / a).toFixed(2)}, median of the pairs ${median.toFixed(2)}`);
