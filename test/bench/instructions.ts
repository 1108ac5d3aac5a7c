import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { build } from "esbuild";
import { caseNamed, NAMED_CASES } from "./cases.ts";

/**
 * Instructions per request of a case and where they go, exact where times vary: callgrind counts those of two lengths, V8's map of its
 * compiled code says whose they are, and the difference leaves start and warm-up out. Takes some minutes; needs valgrind.
 */
const USAGE = `npm run bench:instructions -- [--case NAME] [--requests N,M] [--json FILE] [--against FILE]

  --case NAME      one of ${NAMED_CASES.join(", ")} or such as 8x200k; e if left out
  --requests N,M   the two lengths; 40000,100000 if left out
  --json FILE      also writes instructions per request by function
  --against FILE   such a file of another version: shows what has changed`;

/** By function. */
type Counts = ReadonlyMap<string, number>;

const asked = () => {
  const options = {
    case: { type: "string", default: "e" },
    requests: { type: "string", default: "40000,100000" },
    json: { type: "string" },
    against: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    const { values } = parseArgs({ options });
    caseNamed(values.case);
    const lengths = values.requests.split(",").map(Number);
    const [fewer = 0, more = 0] = lengths;
    if (lengths.length !== 2 || !(fewer > 0 && more > fewer))
      throw new Error(`--requests ${values.requests}: two numbers, the larger one last, such as 40000,100000`);
    return { ...values, fewer, more };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return process.exit(2);
  }
};

const { case: name, fewer, more, json, against, help } = asked();
if (help === true) {
  console.log(USAGE);
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "servetwin-instructions-"));
const bundle = join(folder, "world.mjs");
const contents = `
  import { caseNamed } from "./cases.ts";
  import { World } from "../../src/twin/world.ts";
  const world = new World(caseNamed(${JSON.stringify(name)}));
  const until = Number(process.argv[2]);
  while (world.arrived < until && world.next !== undefined) world.step();
  if (world.arrived < until) throw new Error("the case has too few requests: " + world.arrived);`;
const resolveDir = fileURLToPath(new URL(".", import.meta.url));
await build({
  stdin: { contents, resolveDir, loader: "ts" },
  outfile: bundle,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  logLevel: "error",
});

/** Of a whole process, until so many requests have arrived. */
const countsOf = async (requests: number): Promise<Counts> => {
  const counted = join(folder, `${requests}.callgrind`);
  const valgrind = ["--tool=callgrind", "--dump-instr=yes", "--compress-pos=no", `--callgrind-out-file=${counted}`];
  // On one thread, so that the same is compiled at the same point in every run.
  const node = [process.execPath, "--single-threaded", "--perf-basic-prof", bundle, String(requests)];
  const running = promisify(execFile)("valgrind", [...valgrind, ...node], { cwd: folder });
  await running;
  // Where V8 writes it cannot be said.
  const map = `/tmp/perf-${running.child.pid}.map`;
  const symbols = symbolsOf(readFileSync(map, "latin1"));
  rmSync(map);
  return sumByFunction(readFileSync(counted, "latin1"), symbols);
};

/** @param map a line "START SIZE NAME" per piece of code, in hexadecimal; where two overlap, the later one took the other's place */
const symbolsOf = (map: string): ((address: number) => string | undefined) => {
  const pieces = map.split("\n").flatMap((line, order) => {
    const [, start, size, symbol] = /^([0-9a-f]+) ([0-9a-f]+) (.*)$/.exec(line) ?? [];
    if (start === undefined || size === undefined || symbol === undefined) return [];
    return [{ start: Number.parseInt(start, 16), size: Number.parseInt(size, 16), symbol, order }];
  });
  pieces.sort((a, b) => a.start - b.start || a.order - b.order);
  const found = new Map<number, string | undefined>();
  const find = (address: number): string | undefined => {
    let [low, high] = [0, pieces.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pieces[middle]?.start ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    const around = pieces.slice(Math.max(0, low - OVERLAPS), low).filter(({ start, size }) => address < start + size);
    return around.sort((a, b) => b.order - a.order)[0]?.symbol;
  };
  return (address) => {
    if (!found.has(address)) found.set(address, find(address));
    return found.get(address);
  };
};

/** Pieces of code that may begin between another's begin and end, at most. */
const OVERLAPS = 30;

/** @param callgrind its output with a line per instruction, "0xADDRESS LINE COUNT", after the "fn=(ID) NAME" that it is of */
const sumByFunction = (callgrind: string, symbolAt: (address: number) => string | undefined): Counts => {
  const counts = new Map<string, number>();
  const names = new Map<string, string>();
  let current = "";
  let isOfCall = false;
  for (const line of callgrind.split("\n")) {
    const [, kind, id = "", said] = /^(c?fn)=\((\d+)\)(?: (.*))?$/.exec(line) ?? [];
    if (said !== undefined) names.set(id, said);
    if (kind === "fn") current = names.get(id) ?? "";
    // The line after it says what the callee took.
    if (line.startsWith("calls=")) isOfCall = true;
    else if (line.startsWith("0x")) {
      const [address = "", , count = "0"] = line.split(" ");
      const compiled = current === "???" || current.startsWith("0x");
      const owner = (compiled ? symbolAt(Number.parseInt(address.slice(2), 16)) : current) ?? "code without a name";
      const symbol = shortOf(owner);
      if (!isOfCall) counts.set(symbol, (counts.get(symbol) ?? 0) + Number(count));
      isOfCall = false;
    }
  }
  return counts;
};

/** V8 marks how a function is compiled, and says its file, of which there is one. */
const shortOf = (symbol: string): string => symbol.replace(/^JS:[*^~+]/, "JS:").replace(/ (?:file:)?\/\S+\.mjs/, "");

/** Functions shown. */
const ROWS = 40;

const sumOf = (counts: Counts): number => [...counts.values()].reduce((sum, count) => sum + count, 0);

const perRequest = (shorter: Counts, longer: Counts): Counts =>
  new Map(
    [...longer].map(([symbol, count]) => [symbol, (count - (shorter.get(symbol) ?? 0)) / (more - fewer)] as const),
  );

const print = (counts: Counts): void => {
  const largest = [...counts].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, ROWS);
  for (const [symbol, count] of largest) console.log(`${count.toFixed(1).padStart(10)}  ${symbol.slice(0, 100)}`);
};

try {
  console.error(`case ${name}: ${fewer} and ${more} requests under valgrind, which takes some minutes`);
  const [shorter, longer] = await Promise.all([countsOf(fewer), countsOf(more)]);
  const counts = perRequest(shorter, longer);
  const own = new Map([...counts].filter(([symbol]) => symbol.startsWith("JS:")));
  // What V8 compiles or collects late falls between the two lengths, and differs from version to version.
  console.log(`instructions per request: ${Math.round(sumOf(counts))}, the program's own ${Math.round(sumOf(own))}`);
  print(counts);
  if (against !== undefined) {
    const before: Counts = new Map(Object.entries(JSON.parse(readFileSync(against, "utf8")) as Record<string, number>));
    const symbols = new Set([...before.keys(), ...counts.keys()]);
    const changed = [...symbols].map(
      (symbol) => [symbol, (counts.get(symbol) ?? 0) - (before.get(symbol) ?? 0)] as const,
    );
    console.log(`\nchanges against ${against}: ${Math.round(sumOf(counts) - sumOf(before))}`);
    print(new Map(changed));
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(Object.fromEntries(counts), null, 2)}\n`);
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  console.error(code === "ENOENT" ? "valgrind isn't installed: apt-get install valgrind" : message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
