import { describe, expect, it } from "vitest";
import type { ClosedLoad, PoolLoad } from "../../src/validation/measured-run.ts";
import { type Refined, refine } from "../../src/validation/refine.ts";
import { vllmBench } from "../../src/validation/results/vllm-bench.ts";
import { median } from "../../src/validation/score.ts";
import { type UsersRun, usersRuns } from "../../src/validation/users-runs.ts";
import { closed, llama8b, open, type Truth, vllmResult } from "./twin-bench.ts";

/** Measurements are made by the twin itself with other coefficients: a fit must find its way back. */
const server = llama8b();
const LOADS = [closed(1, 512, 48), closed(12, 512, 48, 2), closed(24, 1500, 24, 2), open(3, 60)];

const measured = (truth: Truth, loads: readonly (ClosedLoad | PoolLoad)[] = LOADS): readonly UsersRun[] => {
  const results = loads.map((load, i) => vllmBench.read(vllmResult(load, server, truth), `run ${i}`, { configs: [] }));
  const { runs, problems } = usersRuns(
    results.flatMap((one) => one.runs),
    server,
  );
  expect(problems).toEqual([]);
  return runs;
};
const fitTo = (runs: readonly UsersRun[]): Refined => {
  const fit = refine(runs, server);
  if (!fit.ok) throw new Error(JSON.stringify(fit.problems));
  return fit.value;
};
const value = ({ values }: Refined, name: string) => {
  const found = values.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
const error = ({ runs }: Refined, side: "before" | "after"): number =>
  median(runs.flatMap((run) => Object.values(run[side].score.errors)));

describe("refined corrections", () => {
  const slower = fitTo(measured({ pace: 1.2 }));

  it("meet a GPU that is a fifth slower", () => {
    expect(error(slower, "before")).toBeGreaterThan(14);
    expect(error(slower, "after")).toBeLessThan(3);
    expect(value(slower, "stepFactor")).toMatchObject({ state: "moved" });
    expect(value(slower, "stepFactor").after).toBeGreaterThan(1.03);
  });

  it("know the deployment better than those of many servers, and their bands hold what was measured", () => {
    expect(slower.deviation.after).toBeLessThan(0.75 * slower.deviation.before);
    for (const { run, after } of slower.runs) {
      expect(run.measured.tpot_mean).toBeGreaterThan(after.bands.p10.tpot_mean as number);
      expect(run.measured.tpot_mean).toBeLessThan(after.bands.p90.tpot_mean as number);
    }
  });

  it("find the one that was changed: the way between client and engine", () => {
    const found = fitTo(measured({ changed: { frontEnd: 0.7 } }));
    const { before, after, deviationAfter } = value(found, "frontEndMicros");
    expect(Math.abs(Math.log(after / before) - 0.7)).toBeLessThan(1.5 * deviationAfter);
    expect(after / before).toBeGreaterThan(1.4);
    expect(value(found, "stepFactor").after).toBeCloseTo(1, 1);
  });

  it("say which values no step of this server has, and which its runs don't tell", () => {
    expect(value(slower, "expertReadFactor").state).toBe("unfelt");
    expect(value(slower, "perMessageMicros").state).toBe("unfelt");
    const kept = slower.values.filter(({ state }) => state !== "moved");
    expect(kept.filter(({ state }) => state === "prior").length).toBeGreaterThan(0);
    for (const { before, after } of kept) expect(after).toBe(before);
    for (const { name } of kept) expect(slower.corrections).not.toHaveProperty(name);
  });

  it("move fewer values by fewer runs", () => {
    const moved = ({ values }: Refined) => values.filter(({ state }) => state === "moved").length;
    const few = fitTo(measured({ pace: 1.2 }, [closed(1, 512, 48)]));
    expect(moved(few)).toBeLessThan(moved(slower));
    expect(error(few, "after")).toBeLessThan(error(few, "before"));
  });
});

describe("without information", () => {
  it("runs that are as simulated move nothing", () => {
    const { values } = fitTo(measured({}, [closed(1, 512, 48), closed(12, 512, 48, 2)]));
    for (const { before, after } of values) expect(Math.abs(Math.log(after / before))).toBeLessThan(0.002);
  });

  it("a figure as noisy as one request of one run leaves the prior", () => {
    const [one] = measured({ pace: 1.2 }, [closed(1, 512, 48)]) as [UsersRun];
    const { ttft_p99 } = one.run.measured;
    const run = { ...one.run, measured: { ttft_p99: ttft_p99 as number } };
    const { values, corrections } = fitTo([{ run, completed: 1e-6 }]);
    for (const { before, after, state } of values) {
      expect(after).toBe(before);
      expect(state).not.toBe("moved");
    }
    expect(Object.keys(corrections)).toEqual(["stepDeviation"]);
  });
});

describe("bad measurements", () => {
  const [good] = measured({}, [closed(1, 512, 48)]) as [UsersRun];
  const changed = (figures: UsersRun["run"]["measured"]): UsersRun => ({
    ...good,
    run: { ...good.run, measured: figures },
  });

  it("in seconds are pointed out and not fitted to", () => {
    const figures = { ...good.run.measured, ttft_mean: (good.run.measured.ttft_mean as number) / 1000 };
    const fit = refine([changed(figures)], server);
    expect(fit.ok && fit.warnings).toMatchObject([{ reason: "ImplausibleUnit", field: "ttft_mean" }]);
    expect(fit.ok && value(fit.value, "frontEndMicros").after / value(fit.value, "frontEndMicros").before).toBeCloseTo(
      1,
      2,
    );
  });

  it.each<[string, readonly UsersRun[]]>([
    ["no runs", []],
    ["no figure that can be compared", [changed({})]],
    ["none but in seconds", [changed({ ttft_mean: 0.02 })]],
  ])("%s are refused", (_, runs) => {
    const fit = refine(runs, server);
    expect(!fit.ok && fit.problems.at(-1)).toMatchObject({ severity: "error", reason: "NoUsableData" });
  });

  it("faster than the memory allows are doubted", () => {
    const fit = refine(measured({ pace: 0.6 }, [closed(1, 64, 48)]), server);
    expect(fit.ok && fit.warnings.map(({ reason }) => reason)).toEqual(["FarFromSimulated", "FasterThanDataSheet"]);
  });
});
