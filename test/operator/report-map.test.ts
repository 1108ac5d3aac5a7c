import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isReportOf, omittedIn, patchTo, reportMapOf } from "../../src/operator/report-map/report-map.ts";
import type { RunDocument } from "../../src/schema/run-document.ts";
import { rngOf } from "../../src/sim/rng.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { KubeObject } from "../../src/store/store.ts";
import { World } from "../../src/twin/world.ts";
import { scenario } from "../twin/scenario-fixture.ts";

const world = new World(scenario({ horizonMicros: 60e6 }));
world.runUntil(60e6 as SimTime);
const { families: _, ...run } = world.report({ scenarioDigest: "", version: "" });

/** Text that no compression makes much shorter: hexadecimal digits of a random stream. */
const random = rngOf(1).stream("noise");
const noise = (bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 8) }, () => Math.floor(random.next() * 2 ** 32).toString(36)).join("");

const reportOf = (runs: readonly object[]): RunDocument => ({
  servetwin: "1",
  simulated: true,
  simulations: [
    {
      simulation: "ns/chat",
      scenario: "baseline",
      objectives: [],
      kpis: {},
      runs: runs as RunDocument["simulations"][number]["runs"],
    },
  ],
});
const owner: KubeObject = {
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name: "chat", namespace: "ns", uid: "u" },
};
/** One run of a minute fits four times. */
const MOST = 4 * JSON.stringify(run).length;
const mapOf = async (report: RunDocument, sweeps = false): Promise<KubeObject> => {
  const map = await reportMapOf(owner, "chat-report", "digest", { report }, sweeps, MOST);
  return map ?? expect.fail("it doesn't fit");
};
const dataOf = (map: KubeObject) => map.data as Record<string, string>;
const reportIn = (map: KubeObject): RunDocument => {
  const { "report.json.gz": gzipped } = map.binaryData as Record<string, string>;
  const text =
    gzipped === undefined ? dataOf(map)["report.json"] : gunzipSync(Buffer.from(gzipped, "base64")).toString();
  return JSON.parse(text ?? "null");
};
const [SYNCS, RUNS, ALL_RUNS] = [
  "simulations[].runs[].syncs",
  "simulations[].runs beyond the first",
  "simulations[].runs",
];

describe("the ConfigMap of a report", () => {
  it("has it as it is where it is short", async () => {
    const report = reportOf([run]);
    const map = await mapOf(report);
    expect(JSON.parse(dataOf(map)["report.json"] ?? "")).toEqual(JSON.parse(JSON.stringify(report)));
    expect([map.binaryData, omittedIn(map)]).toEqual([{}, ""]);
    expect([isReportOf(map, "digest", false), isReportOf(map, "another", false)]).toEqual([true, false]);
  });

  it("has it compressed where it is long, and the same bytes each time", async () => {
    const report = reportOf(Array.from({ length: 10 }, () => run));
    const map = await mapOf(report);
    expect(map.data).toEqual({});
    expect(reportIn(map).simulations[0]?.runs).toHaveLength(10);
    expect(await mapOf(report)).toEqual(map);
  });

  it("leaves out what is least asked for where even that is too long, and says what", async () => {
    const withSyncs = await mapOf(reportOf([{ ...run, syncs: [noise(2 * MOST)] }, run]));
    expect(reportIn(withSyncs)).toMatchObject({ omitted: [SYNCS], simulations: [{ runs: [{}, {}] }] });
    expect(omittedIn(withSyncs)).toBe(`${SYNCS} of report.json`);

    const oneRun = reportIn(
      await mapOf(reportOf(Array.from({ length: 9 }, () => ({ ...run, notes: [noise(MOST / 2)] })))),
    );
    expect([oneRun.omitted, oneRun.simulations[0]?.runs.length]).toEqual([[SYNCS, RUNS], 1]);

    const noRun = reportIn(await mapOf(reportOf([{ ...run, notes: [noise(2 * MOST)] }])));
    expect([noRun.omitted, noRun.simulations[0]?.runs]).toEqual([[SYNCS, RUNS, ALL_RUNS], []]);
  });

  it("doesn't even make the text of what is far too long", async () => {
    const report = reportOf(Array.from({ length: 1000 }, () => run));
    expect(reportIn(await mapOf(report)).omitted).toEqual([SYNCS, RUNS]);
  });

  it("is none where nothing helps", async () => {
    const [first] = reportOf([run]).simulations;
    const report = { ...reportOf([]), simulations: [{ ...first, simulation: noise(2 * MOST) }] } as RunDocument;
    expect(await reportMapOf(owner, "chat-report", "digest", { report }, false, MOST)).toBeUndefined();
  });

  it("says that a sweep's result is missing where an earlier process found it", async () => {
    const map = await mapOf(reportOf([run]), true);
    expect(omittedIn(map)).toContain("sweep.json");
    expect([isReportOf(map, "digest", false), isReportOf(map, "digest", true)]).toEqual([true, false]);
    const [plain, gzipped] = [
      { ...map, data: { ...dataOf(map), "sweep.json": "{}" } },
      { ...map, binaryData: { "sweep.json.gz": "" } },
    ];
    expect([isReportOf(plain, "digest", true), isReportOf(gzipped, "digest", true)]).toEqual([true, true]);
  });

  it("replaces another one whole", async () => {
    const short = await mapOf(reportOf([run]));
    const long = await mapOf(reportOf(Array.from({ length: 10 }, () => run)));
    expect(patchTo(long, short)).toMatchObject({ data: short.data, binaryData: { "report.json.gz": null } });
    expect(patchTo(short, long)).toMatchObject({ data: { "report.json": null }, binaryData: long.binaryData });
  });
});
