import { describe, expect, it } from "vitest";
import { firstLooks } from "../../../src/cli/preview/first-looks.ts";
import { refining } from "../../../src/cli/preview/refining.ts";
import { compare, type Goal } from "../../../src/report/comparison.ts";
import type { Kpis } from "../../../src/report/report.ts";
import { fakeStream, redrawn } from "../terminal.ts";

const GOALS: readonly Goal[] = [{ metric: "gpuHours" }];
/** All that this goal asks of them. */
const kpis = (gpuHours: number): Kpis => ({ gpuHours }) as Kpis;
const compared = (...changes: readonly number[]) =>
  compare(
    GOALS,
    changes.map(() => kpis(10)),
    changes.map(kpis),
  );

describe("what a preview tells while it runs", () => {
  it("compares both sides at the instants that both have come to", () => {
    const told: [number, number | undefined][] = [];
    const look = firstLooks(GOALS, ({ goals }, seconds) => told.push([seconds, goals[0]?.figures?.difference.mean]));
    const at = (run: number, simulatedSeconds: number, gpuHours?: number): void =>
      look(run, {
        done: 0,
        simulatedSeconds,
        requests: 0,
        ...(gpuHours === undefined ? {} : { kpis: kpis(gpuHours) }),
      });
    at(0, 10, 2);
    at(0, 15);
    at(0, 20, 4);
    at(1, 10, 3);
    at(1, 20, 4);
    at(1, 30, 9);
    at(2, 30, 1);
    at(0, 30, 6);
    expect(told).toEqual([
      [10, 0.5],
      [20, 0],
      [30, 0.5],
    ]);
  });

  it("is a table on a terminal that says what it rests on, and is gone in the end", async () => {
    const { stream: terminal, text } = fakeStream(true);
    const shown = refining(terminal);
    const watch = shown.begin("inference/chat", 16, 6 * 3600e6);
    watch.run(0, { done: 0.5, simulatedSeconds: 3 * 3600, requests: 1 });
    watch.looked?.(compared(11), 3 * 3600);
    await redrawn();
    const first = text();
    for (const words of ["0.5 of at most 32 runs", "provisional: the first 3h of 6h", "GPU-hours", "+10.0 %"])
      expect(first).toContain(words);
    watch.refined(compared(11, 12));
    // A look that comes late is of less than what is known.
    watch.looked?.(compared(11), 4 * 3600);
    await redrawn();
    const second = text();
    expect(second).toContain("provisional: 2 of at most 16 replications each");
    expect(second).not.toContain("the first 4h");
    shown.stop();
    expect(text()).not.toContain("provisional");
  });

  it("is a line in a pipe after the first replication, the same each time, and none where no more follow", () => {
    const { stream: pipe, text } = fakeStream(false);
    const shown = refining(pipe);
    const watch = shown.begin("inference/chat", 16, 6 * 3600e6);
    expect(watch.looked).toBeUndefined();
    watch.refined(compared(11));
    watch.refined(compared(11, 12));
    shown.begin("inference/other", 1, 6 * 3600e6).refined(compared(11));
    shown.stop();
    expect(text()).toBe("inference/chat: provisional, 1 of at most 16 replications each: GPU-hours +10.0 %\n");
  });
});
