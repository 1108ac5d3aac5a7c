import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer, Outcome } from "../../src/cli/format.ts";
import { formats } from "../../src/cli/formats/index.ts";
import { json } from "../../src/cli/formats/json.ts";
import { previewChange } from "../../src/cli/preview/preview-change.ts";
import { answerDocument } from "../../src/schema/answer-document.ts";
import { runDocument } from "../../src/schema/run-document.ts";
import { checked } from "../schema/checked.ts";
import { Platform, simulation, threeAtLeast } from "./preview/platform.ts";

/** Every format on one answer, whose names try to break out of it. */
const EVIL = `</script><img src=x>|@all"'&`;
let platform: Platform;
let answer: Answer;
let outcome: Outcome;
beforeAll(async () => {
  platform = new Platform();
  const hpa = threeAtLeast().replace("maxReplicas: 8", "maxReplicas: 3");
  const said = simulation("  objectives: [{ metric: ttft, percentile: 99, atMost: 1ms }]", "1m");
  const filename = [platform.file("change.yaml", hpa), platform.file("simulation.yaml", said)];
  const found = await previewChange(platform.options({ filename, budget: 1 }));
  const [preview] = found.answer.previews;
  if (preview === undefined) throw new Error("nothing was previewed");
  // As if more replications had said so, with names that nobody should have.
  const goals = preview.comparison.goals.map((goal) => ({
    ...goal,
    verdict: "worse" as const,
    met: { baseline: "not met", change: "not met" } as const,
  }));
  const comparison = { ...preview.comparison, goals, met: "not met" as const };
  const evil = { severity: "warning", object: EVIL, message: EVIL, evidence: {}, fix: EVIL } as const;
  const findings = [
    ...preview.findings,
    { ...evil, name: "flapping", change: "new" as const },
    { ...evil, name: "flapping", change: "gone" as const },
  ];
  answer = {
    ...found.answer,
    previews: [{ ...preview, comparison, findings }],
    leftOut: [{ simulation: "inference/other", why: `is ${EVIL}` }],
  };
  const [report] = preview.first;
  outcome = { simulation: preview.name, scenario: EVIL, reports: [report], objectives: [] };
});
afterAll(() => platform.gone());

const shown = (name: string): string => formats.find((one) => one.name === name)?.compare?.(answer) ?? "";

describe.each(formats)("format $name", ({ print, compare }) => {
  it("says the same twice", () => {
    if (print !== undefined) expect(print([outcome])).toBe(print([outcome]));
    if (compare === undefined) return;
    expect(compare(answer)).toBe(compare(answer));
    expect(compare({ ...answer, previews: [], leftOut: [] })).toBeDefined();
  });
});

describe("markdown", () => {
  it("has the verdict, tables of one width, and charts that its hosts draw", () => {
    const text = shown("markdown");
    expect(text).toContain("time to first token p99");
    expect(text.match(/```mermaid\n.*\nxychart-beta/g)).toHaveLength(2);
    const tables = text.split("\n\n").filter((part) => part.startsWith("|"));
    expect(tables.length).toBeGreaterThanOrEqual(3);
    for (const table of tables) {
      const widths = table.split("\n").map((line) => line.replaceAll(/\\./g, "").split("|").length);
      expect(new Set(widths).size).toBe(1);
    }
    // Points of a line: as many in both, and none that is no number.
    const lines = [...text.matchAll(/^ {2}line \[(.*)\]$/gm)].map(([, values = ""]) => values.split(", ").map(Number));
    expect(lines).toHaveLength(4);
    for (const values of lines) expect(values.every(Number.isFinite)).toBe(true);
  });

  it("lets no name become markup", () => {
    const text = shown("markdown");
    expect(text).not.toMatch(/(?<!\\)<(img|\/script)/);
    expect(text).not.toContain("@all");
  });
});

describe("html", () => {
  it("is one file that asks for nothing, with the charts' data inside", () => {
    const text = shown("html");
    expect(text).toContain("default-src 'none'");
    expect(text).not.toMatch(/(src|href)\s*=\s*["']?(https?:)?\/\//);
    expect(text).not.toContain("<img");
    const data = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(text)?.[1] ?? "";
    const charts = JSON.parse(data) as { names: string[]; data: number[][] }[];
    expect(charts.map(({ names }) => names)).toEqual([
      ["today", "with the change"],
      ["today", "with the change"],
    ]);
    for (const { data: rows } of charts) expect(new Set(rows.map(({ length }) => length)).size).toBe(1);
    expect(text).toContain("uPlot=function");
  });
});

describe("junit", () => {
  it("has a failure per missed objective, and skips what was left out", () => {
    const text = shown("junit");
    expect(text).toMatch(/<testsuites name="servetwin" tests="2" failures="1" skipped="1">/);
    expect(text).toContain('<testcase classname="inference/short" name="time to first token p99 ≤ 1ms">');
    expect(text).toContain("&lt;/script&gt;");
    const open = [...text.matchAll(/<([\w-]+)(?:\s[^>]*[^/>])?>/g)].map(([, tag]) => tag);
    const closed = [...text.matchAll(/<\/([\w-]+)>/g)].map(([, tag]) => tag);
    expect(open.toSorted()).toEqual(closed.toSorted());
  });
});

describe("json", () => {
  it("is as docs/schemas/preview.json says, and has nothing that it doesn't know", () => {
    const { errors, refuses } = checked(answerDocument, JSON.parse(shown("json")));
    expect(errors).toEqual([]);
    expect(refuses({ servetwin: "0", simulated: false })).toBe(true);
  });

  it("of a run is as docs/schemas/run.json says, and has nothing that it doesn't know", () => {
    const { errors, refuses } = checked(runDocument, JSON.parse(json.print?.([outcome]) ?? ""));
    expect(errors).toEqual([]);
    expect(refuses({ servetwin: "0", simulated: true, simulations: [{}] })).toBe(true);
  });
});

describe("sarif", () => {
  const read = () =>
    JSON.parse(shown("sarif")) as {
      version: string;
      runs: {
        tool: { driver: { rules: { id: string }[] } };
        results: {
          ruleId: string;
          ruleIndex: number;
          level: string;
          locations?: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } } }[];
        }[];
      }[];
    };

  it("puts findings and missed objectives at lines of the manifests, and leaves out what the change mends", () => {
    const [run] = read().runs;
    const rules = run?.tool.driver.rules ?? [];
    for (const { ruleId, ruleIndex } of run?.results ?? []) expect(rules[ruleIndex]?.id).toBe(ruleId);
    expect(run?.results.filter(({ ruleId }) => ruleId === "flapping")).toHaveLength(1);
    const fixed = run?.results.find(({ ruleId }) => ruleId === "min-equals-max");
    const place = fixed?.locations?.[0]?.physicalLocation;
    expect(place?.artifactLocation.uri).toMatch(/change\.yaml$/);
    const line =
      threeAtLeast()
        .split("\n")
        .findIndex((text) => /^ {2}(min|max)Replicas/.test(text)) + 1;
    expect([line, line + 1]).toContain(place?.region.startLine);
    expect(run?.results.some(({ ruleId, level }) => ruleId === "objective-not-met" && level === "error")).toBe(true);
  });
});
