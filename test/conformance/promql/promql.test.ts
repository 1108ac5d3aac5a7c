import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runScript, type ScriptResult } from "./run-script.ts";
import { parseScript } from "./script.ts";

const OWN = fileURLToPath(new URL("./own", import.meta.url));
const SAMPLE = fileURLToPath(new URL("../../../../shared/validation/promql", import.meta.url));
const path = process.env.PROMQL_TESTS || SAMPLE;
// A path that somebody names must exist; only the sample may be absent.
const absent = path === SAMPLE && !existsSync(SAMPLE);

const scriptsOf = (place: string): readonly string[] =>
  statSync(place).isDirectory()
    ? readdirSync(place)
        .filter((name) => name.endsWith(".test"))
        .sort()
        .map((name) => join(place, name))
    : [place];

const run = (file: string): ScriptResult => runScript(parseScript(readFileSync(file, "utf8")));

/** By name and number, so that nobody takes what was not run for what passed. */
const tell = (file: string, { passed, outOfScope }: ScriptResult): void => {
  const counts = new Map<string, number>();
  for (const { what } of outOfScope) counts.set(what, (counts.get(what) ?? 0) + 1);
  const left = [...counts].map(([what, count]) => `${count} × ${what}`).join(", ");
  console.log(`${file}: ${passed} passed${left === "" ? "" : `; out of scope: ${left}`}`);
};

describe("own scripts", () => {
  it.each(scriptsOf(OWN))("%s", (file) => {
    const result = run(file);
    expect(result.failures).toEqual([]);
    expect(result.outOfScope).toEqual([]);
    expect(result.passed).toBeGreaterThan(0);
  });
});

describe.skipIf(absent)(`scripts of ${absent ? "../shared, which is absent" : path}`, () => {
  const scripts = absent ? [] : scriptsOf(path);
  it.skipIf(absent)("are there", () => expect(scripts.length).toBeGreaterThan(0));
  it.each(scripts)("%s", (file) => {
    const result = run(file);
    tell(file, result);
    expect(result.failures).toEqual([]);
  });
});

describe("the runner", () => {
  const LOAD = 'load 1m\n  a_total{x="1"} 0+60x10\n  a_total{x="2"} 0+30x10\n\n';
  const failures = (script: string): readonly string[] => runScript(parseScript(LOAD + script)).failures;

  it.each([
    ["a command", "evaluate instant at 1m 1\n 1", /unknown command/],
    ["a form of eval", "eval sometimes at 1m 1\n 1", /unknown command/],
    ["an expectation", "eval instant at 1m 1\n expect nothing\n 1", /unknown expectation/],
    ["a value", "eval instant at 1m a_total\n a_total one", /can't read the value/],
  ])("does not pass over %s that it doesn't know", (_what, script, message) =>
    expect(() => failures(script)).toThrow(message),
  );

  it.each([
    ["another value", 'eval instant at 10m rate(a_total[5m])\n {x="1"} 1\n {x="2"} 0.6'],
    ["a missing series", 'eval instant at 10m rate(a_total[5m])\n {x="1"} 1'],
    ["a series too many", 'eval instant at 10m sum(rate(a_total[5m]))\n {} 1.5\n {x="1"} 1'],
    ["another order", 'eval instant at 10m sort(a_total)\n expect ordered\n a_total{x="1"} 600\n a_total{x="2"} 300'],
    ["another scalar", "eval instant at 1m 1 + 1\n 3"],
    ["another text", 'eval instant at 1m "a"\n expect string "b"'],
    ["a success", "eval instant at 1m a_total\n expect fail"],
    ["a failure", "eval instant at 1m a_total + on() a_total\n {} 1"],
    ["an old failure", "eval_fail instant at 1m a_total"],
    ["a query that can't be read", "eval instant at 1m a_total +\n {} 1"],
    ["a missing warning", "eval instant at 1m quantile(0.5, a_total)\n expect warn\n {} 45"],
    ["an old missing info", "eval_info instant at 1m sum(a_total)\n {} 90"],
    ["a warning too many", "eval instant at 1m quantile(2, a_total)\n expect no_warn\n {} Inf"],
    ["an info too many", 'eval instant at 10m sum(increase({x="1"}[5m])) + rate(b[5m])\n expect info'],
    ["another point", "eval range from 0 to 2m step 1m sum(a_total)\n {} 0 90 181"],
    ["a point too many", "eval range from 0 to 2m step 1m sum(a_total)\n {} 0 90"],
    [
      "other times",
      'eval instant at 2m a_total{x="1"}[2m]\n expect range vector from 0 to 1m step 1m\n a_total{x="1"} 60 120',
    ],
  ])("tells %s", (_what, script) => expect(failures(script)).not.toEqual([]));

  it("counts what it leaves out by name", () => {
    const { passed, outOfScope } = runScript(
      parseScript(
        "load 1m\n h {{schema:0 sum:1 count:1 buckets:[1]}}\n\neval instant at 0 h\n h 1\n\neval instant at 0 1\n 1",
      ),
    );
    expect({ passed, outOfScope }).toEqual({
      passed: 1,
      outOfScope: [{ line: 4, query: "h", what: "native histograms (read)" }],
    });
  });
});
