import { describe, expect, it } from "vitest";
import { describeProblem, type Problem } from "../../src/model/problem.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { BAD, broken, GOOD, simulation } from "./objects.ts";

const where = { object: "InferenceSimulation/default/least", file: "simulation.yaml", line: 3 };

const problemsOf = (raw: unknown): readonly Problem[] => {
  const parsed = parseSimulation(raw, where);
  return parsed.ok ? [] : parsed.problems;
};
const valueOf = (raw: unknown) => {
  const parsed = parseSimulation(raw, where);
  if (!parsed.ok) throw new Error(parsed.problems.map(describeProblem).join("\n"));
  return parsed.value;
};

describe("good objects", () => {
  it.each(GOOD.map((object) => [object.metadata.name, object]))("%s is read", (_name, object) => {
    expect(problemsOf(object)).toEqual([]);
  });

  it("get their defaults, those of their choices too", () => {
    const { metadata, spec } = valueOf(GOOD[0]);
    expect(metadata).toEqual({ name: "least", namespace: "default" });
    expect(spec.run).toEqual({ horizon: "1h", warmUp: "0s", seed: 1, replications: 1, speed: 1, bands: true });
    expect(spec.export).toEqual({ naming: "Prefixed", labels: {} });
    expect(spec.workload.synthetic?.clients[0]?.prompt).toEqual({
      distribution: "normal",
      mean: 300,
      deviation: 60,
      min: 1,
      max: 1_000_000,
    });
  });

  it.each(GOOD.map((object) => [object.metadata.name, object]))(
    "%s reads the same when read again",
    (_name, object) => {
      const once = valueOf(object);
      expect(valueOf(once)).toEqual(once);
    },
  );

  it("keep what the server adds to metadata from being an error, and an unknown status from being read", () => {
    const object = structuredClone(GOOD[0]);
    Object.assign(object.metadata, { uid: "u", generation: 4, managedFields: [{}], resourceVersion: "7" });
    object.status = { phase: "Sleeping" };
    const value = valueOf(object);
    expect(value.metadata).toEqual({ name: "least", namespace: "default", uid: "u", generation: 4 });
    expect(value.status).toBeUndefined();
  });

  it("are not changed by being read", () => {
    const object = structuredClone(GOOD[1]);
    valueOf(object);
    expect(object).toEqual(GOOD[1]);
  });
});

describe("bad objects", () => {
  it.each(BAD.map((bad) => [bad.name, bad] as const))("%s", (_name, bad) => {
    const [problem, ...others] = problemsOf(broken(bad));
    expect(others.map(describeProblem)).toEqual([]);
    expect(problem).toMatchObject({ ...where, severity: "error", field: bad.field });
    expect(`${problem?.message}; ${problem?.fix}`).toContain(bad.says);
    expect(problem?.reason).toMatch(/^[A-Z][A-Za-z]+$/);
  });

  it("tell all that is wrong at once", () => {
    const object = simulation("x", { mode: "Rerun", mirror: {}, workload: { synthetic: { clients: [{}] } } });
    expect(problemsOf(object).map(({ field }) => field)).toEqual([
      "spec.mode",
      "spec.mirror.workloads",
      "spec.workload.synthetic.clients[0].name",
      "spec.workload.synthetic.clients[0].prompt",
      "spec.workload.synthetic.clients[0].output",
    ]);
  });

  it("tell of a choice only what is wrong with the one that was chosen", () => {
    const object = structuredClone(GOOD[0]);
    object.spec.workload.synthetic.clients[0].prompt = { distribution: "lognormal", mean: 0, deviation: 1, points: [] };
    expect(problemsOf(object).map(describeProblem)).toEqual([
      "simulation.yaml:3: InferenceSimulation/default/least: spec.workload.synthetic.clients[0].prompt.mean: must be at least 1, got 0",
      "simulation.yaml:3: InferenceSimulation/default/least: spec.workload.synthetic.clients[0].prompt.points: there is no such field; known here: mean, deviation, min, max, distribution",
    ]);
  });

  it("tell at most 20 problems", () => {
    const object = structuredClone(GOOD[0]);
    for (let i = 0; i < 100; i++) object.spec[`field${i}`] = i;
    expect(problemsOf(object)).toHaveLength(20);
  });
});

describe("things that are no objects", () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  const circle: Record<string, unknown> = {};
  circle.self = circle;

  it.each([
    ["nothing", undefined, "not plain JSON"],
    ["null", null, "must be a map of fields"],
    ["a number", 5, "must be a map of fields, got 5"],
    ["a list", [], "must be a map of fields, got a list"],
    ["another kind", { ...GOOD[0], kind: "InferenceSimulator" }, "did you mean `InferenceSimulation`?"],
    ["another version", { ...GOOD[0], apiVersion: "servetwin.dev/v1" }, "must be servetwin.dev/v1alpha1"],
    ["a deep thing", { spec: deep(100) }, "nested deeper than 64"],
    ["a circle", circle, "nested deeper than 64"],
    ["a long text", { spec: "x".repeat(3_000_000) }, "characters"],
    ["a long list", { spec: Array.from({ length: 300_000 }, () => 0) }, "more than 200000 values"],
    ["a date", { spec: new Date(0) }, "not plain JSON"],
    ["no number", { spec: Number.NaN }, "not plain JSON"],
    ["a prototype", JSON.parse('{"spec": {"overrides": {"__proto__": {"replicas": 1}}}}'), "is not allowed"],
    ["a function", { spec: () => 1 }, "not plain JSON"],
  ])("%s is refused in words", (_name, raw, says) => {
    const problems = problemsOf(raw);
    expect(problems.map(({ message, fix }) => `${message}; ${fix}`).join("\n")).toContain(says);
  });

  it("do not reach Object.prototype", () => {
    problemsOf(JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("remote write", () => {
  it("is not of a Shadow, and has samples a second apart", () => {
    const url = "http://prometheus:9090/api/v1/write";
    const withPush = (more: object, remoteWrite: object) =>
      problemsOf(
        simulation("x", { ...GOOD[0].spec, objectives: [], ...more, export: { remoteWrite: { url, ...remoteWrite } } }),
      ).map(({ field, message }) => `${field} ${message}`);
    expect(withPush({}, {})).toEqual([]);
    expect(withPush({ mode: "Shadow" }, {}).join()).toMatch(/^spec.export.remoteWrite .*scraped/);
    expect(withPush({}, { interval: "10ms" })).toEqual([
      "spec.export.remoteWrite.interval interval must be 1s or more",
    ]);
  });
});

describe("warnings", () => {
  it.each([
    ["speed of a Preview", { run: { speed: 60 } }, "spec.run.speed"],
    [
      "a Preview with an external driver",
      { mirror: { workloads: [{ name: "a" }], autoscaler: { driver: "External" } } },
      "spec.mirror.autoscaler.driver",
    ],
    [
      "a Shadow that an external driver scales from nothing",
      { mode: "Shadow", objectives: [], mirror: { workloads: [{ name: "a" }], autoscaler: { driver: "External" } } },
      "spec.replicas",
    ],
    ["production's names", { export: { naming: "Production" } }, "spec.export.naming"],
  ])("%s", (_name, more, field) => {
    const parsed = parseSimulation(simulation("x", { ...GOOD[0].spec, ...more }), where);
    expect(parsed.ok && parsed.warnings.map((warning) => [warning.severity, warning.field])).toEqual([
      ["warning", field],
    ]);
  });
});
