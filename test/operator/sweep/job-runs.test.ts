import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { VERSION } from "../../../src/model/version.ts";
import { type JobParts, jobRuns } from "../../../src/operator/sweep/job-runs.ts";
import { jobProblems } from "../../../src/operator/sweep/sweep-jobs.ts";
import { parseSimulation } from "../../../src/schema/parse.ts";
import type { Scenario, TraceInput } from "../../../src/twin/scenario.ts";
import { headLine, rowLine } from "../../../src/worker/sweep/result-lines.ts";
import { encodeRound } from "../../../src/worker/sweep/round.ts";
import { scenario } from "../../twin/scenario-fixture.ts";
import { Objects, partsOf, traced } from "./job-parts.ts";

/** What is told where Jobs can't do a sweep; that they can is shown on the real control plane, by job.server.test.ts. */
const EXAMPLE = readFileSync(new URL("../../../deploy/examples/sweep-job/simulation.yaml", import.meta.url), "utf8");

const SCENARIOS = [scenario({ seed: 1 }), scenario({ seed: 2 })];
const { digest } = encodeRound({ version: VERSION, objectives: [], maxTraceBytes: 1000, scenarios: SCENARIOS });
const rows = [0, 1].map((run) => rowLine([run, 0, 1, null, null, 1.5])).join("");
const problemOf = async (parts: JobParts, scenarios: readonly Scenario[] = SCENARIOS) => {
  const result = await jobRuns(parts)(scenarios, []);
  return result.ok ? expect.fail("it ran") : result.problems[0];
};

describe("a sweep that Jobs can't do", () => {
  it("has pods of another version", async () => {
    const objects = new Objects(headLine("0.0.1", digest) + rows);
    expect(await problemOf(partsOf(objects))).toMatchObject({
      reason: "SweepImageDiffers",
      message: `the image servetwin:2 holds servetwin 0.0.1, and the operator is ${VERSION}`,
      fix: "ask the installer for --sweep-image of the same version",
    });
  });

  it.each([
    ["ConfigMap", "chat-sweep-0"],
    ["ConfigMap", "chat-sweep-0-r1-input-0"],
    ["Job", "chat-sweep-0-r1"],
  ])("finds a %s %s that is somebody else's, and leaves it", async (kind, name) => {
    const metadata = { name, namespace: "inference", uid: "other", ownerReferences: [{ uid: "somebody" }] };
    const objects = new Objects("", [{ apiVersion: "v1", kind, metadata }]);
    expect(await problemOf(partsOf(objects))).toMatchObject({
      reason: "NameTaken",
      message: `there is a ${kind} inference/${name} that this simulation doesn't own`,
    });
    expect(await objects.get({ kind: kind as "Job", namespace: "inference", name })).toMatchObject({ metadata });
  });

  it("has a trace that pods can't fetch", () => {
    const parsed = parseSimulation(load(EXAMPLE), {});
    const simulation = parsed.ok ? parsed.value : expect.fail("the example is refused");
    const jobs = { objects: new Objects(), namespaces: ["inference"], image: "servetwin:2" };
    const problemsOf = (input: TraceInput) => jobProblems(simulation, traced(input), jobs);
    const fix =
      "put the trace into a ConfigMap, or leave spec.sweep.job out: the sweep then runs on the operator's threads";
    for (const input of [
      { kind: "url", url: "https://traces/a.csv", maxBytes: 1 },
      { kind: "file", path: "a.csv", digest: "" },
    ] as const)
      expect(problemsOf(input)).toMatchObject([{ reason: "TraceNotCarried", field: "spec.sweep.job", fix }]);
    expect(problemsOf({ kind: "inline", base64: "", digest: "" })).toEqual([]);
  });
});

describe("a sweep that is found again", () => {
  it("comes from the ledger alone, and nothing is made or run", async () => {
    const objects = new Objects(headLine(VERSION, digest) + rows);
    const first = await jobRuns(partsOf(objects))(SCENARIOS, []);
    expect(first).toMatchObject({ ok: true, value: [{ gpuHours: 1.5 }, { gpuHours: 1.5 }] });
    const { length } = objects.made;
    expect(await jobRuns(partsOf(objects, { onlyKnown: true }))(SCENARIOS, [])).toEqual(first);
    expect(objects.made).toHaveLength(length);
  });

  it("isn't where the ledger is gone, or of other runs", async () => {
    const lost = { reason: "SweepResultsLost", message: expect.stringMatching(/no longer has the results of 2 runs$/) };
    const objects = new Objects(headLine(VERSION, digest) + rows);
    expect(await problemOf(partsOf(objects, { onlyKnown: true }))).toMatchObject(lost);
    expect(objects.made).toEqual([]);
    await jobRuns(partsOf(objects))(SCENARIOS, []);
    const others = SCENARIOS.map((one) => ({ ...one, seed: one.seed + 1 }));
    expect(await problemOf(partsOf(objects, { onlyKnown: true }), others)).toMatchObject(lost);
    // What is there stays.
    expect(await jobRuns(partsOf(objects, { onlyKnown: true }))(SCENARIOS, [])).toMatchObject({ ok: true });
  });
});
