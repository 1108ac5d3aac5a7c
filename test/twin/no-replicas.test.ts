import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import { Quickstart } from "./quickstart.ts";

describe("a model without replicas", () => {
  const told = (change: (q: Quickstart) => void, which: "simulation" | "shadow" = "simulation") => {
    const quickstart = new Quickstart();
    quickstart.deployment.spec.replicas = 0;
    change(quickstart);
    const result = quickstart.mirror({}, quickstart[which]);
    const problems = result.ok ? result.warnings : result.problems;
    return { ok: result.ok, said: problems.filter(({ reason }) => reason === "NoReplicas").map(describeProblem) };
  };
  const withoutHpa = (q: Quickstart): void => {
    q.gone.add(q.hpa);
    for (const one of [q.simulation, q.shadow]) delete one.spec.mirror.autoscaler;
  };

  it("is refused at its field", () => {
    expect(told(withoutHpa)).toEqual({
      ok: false,
      said: [
        expect.stringMatching(
          /^Deployment\/\S+: spec\.replicas: no replica serves \S+, and nobody would start one; every request would be refused; set at least 1/,
        ),
      ],
    });
  });

  it("is refused where the simulation says so", () => {
    const { said } = told((q) => {
      withoutHpa(q);
      q.deployment.spec.replicas = 2;
      q.simulation.spec.overrides = { ...q.simulation.spec.overrides, replicas: 0 };
    });
    expect(said).toEqual([expect.stringMatching(/^spec\.overrides\.replicas: no replica serves/)]);
  });

  it("is refused behind a HorizontalPodAutoscaler, which doesn't act at 0", () =>
    expect(told(() => undefined)).toEqual({
      ok: false,
      said: [expect.stringContaining("unless its minReplicas is 0")],
    }));

  it("may be woken by an autoscaler outside", () => {
    const { said } = told((q) => {
      withoutHpa(q);
      q.simulation.spec.mirror.autoscaler = { driver: "External" };
    });
    expect(said).toEqual([]);
  });

  it("is simulated all the same in a Shadow, which is told", () => {
    const { ok, said } = told(withoutHpa, "shadow");
    expect(ok).toBe(true);
    expect(said).toHaveLength(1);
  });
});
