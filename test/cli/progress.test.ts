import { describe, expect, it } from "vitest";
import { runProgress } from "../../src/cli/progress.ts";
import type { Kpis } from "../../src/report/report.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { fakeStream, redrawn } from "./terminal.ts";

/** All that is shown of them. */
const scenario = (name: string, simulation = "inference/chat"): Scenario =>
  ({ simulation, name, horizonMicros: 7200e6 }) as Scenario;
const kpis = (ttftP99: number): Kpis =>
  ({
    requests: { completed: 1234 },
    ttftSeconds: { p50: 0.05, p99: ttftP99 },
    itlSeconds: { p99: 0.025 },
    replicas: { mean: 2.5 },
    gpuHours: 1.25,
  }) as Kpis;

describe("what a run tells while it goes on", () => {
  it("is what is known of each scenario on a terminal, marked as provisional, and is gone in the end", async () => {
    const { stream: terminal, text } = fakeStream(true);
    const shown = runProgress(4, terminal);
    expect(shown.looks).toBeGreaterThan(1);
    const [baseline, again, change] = [
      shown.run(scenario("baseline"), true),
      shown.run(scenario("baseline"), false),
      shown.run(scenario("more"), true),
    ];
    baseline({ done: 0.25, simulatedSeconds: 1800, requests: 500 });
    expect(text()).not.toContain("provisional");
    baseline({ done: 0.5, simulatedSeconds: 3600, requests: 1000, kpis: kpis(0.5) });
    // The first figures are there at once: who waits for a short run sees them before it ends.
    const first = text();
    for (const words of ["provisional", "without bands", "baseline", "1h of 2h", "50 ms", "500 ms", "1,234", "1.25"])
      expect(first).toContain(words);
    // Each figure below its heading.
    expect(first).toMatch(/ITL p99 │ completed │ replicas, mean │ GPU-hours │\s*$/m);
    expect(first).toMatch(/25 ms │\s+1,234 │\s+2\.5 │\s+1\.25 │\s*$/m);
    expect(first).not.toContain("more");
    again({ done: 0.75, simulatedSeconds: 5400, requests: 1500, kpis: kpis(99) });
    change({ done: 0.75, simulatedSeconds: 5400, requests: 1500, kpis: kpis(7) });
    await redrawn();
    const second = text();
    for (const words of ["more", "1h30m of 2h", "7 s", "50% | 4000 requests"]) expect(second).toContain(words);
    expect(second).not.toContain("99 s");
    shown.stop();
    expect(text()).not.toContain("provisional");
  });

  it("names simulations where there are several, and has a dash for what isn't known yet", () => {
    const { stream: terminal, text } = fakeStream(true);
    const shown = runProgress(2, terminal);
    shown.run(scenario("baseline", "inference/batch"), true);
    shown.run(scenario("baseline"), true)({ done: 0.5, simulatedSeconds: 3600, requests: 1000, kpis: kpis(0) });
    const first = text();
    expect(first).toContain("inference/chat (baseline)");
    // A latency that no request has told yet.
    expect(first).toMatch(/50 ms │\s+– │/);
    shown.stop();
  });

  it("is nothing in a pipe, where nobody looks", () => {
    const { stream: pipe, text } = fakeStream(false);
    const shown = runProgress(1, pipe);
    expect(shown.looks).toBeUndefined();
    shown.run(scenario("baseline"), true)({ done: 0.5, simulatedSeconds: 1, requests: 1, kpis: kpis(1) });
    shown.stop();
    expect(text()).toBe("");
  });
});
