import { describe, expect, it } from "vitest";
import { timelinesOf } from "../../src/server/timelines.ts";
import type { RunView } from "../../src/server/view.ts";
import { preview } from "./simulations.ts";

const run = (scenario: string, columns: Record<string, number[]>): RunView => ({
  ...(preview().runs[0] as RunView),
  scenario,
  timeline: { bucketSeconds: 60, atSeconds: [0, 60, 120], columns },
});

describe("timelines", () => {
  it("are means of the replications, with what they lie between", () => {
    const { scenarios } = timelinesOf([
      run("baseline", { waiting: [0, 2, 4] }),
      run("baseline", { waiting: [0, 4, 9.00004] }),
      run("two", { waiting: [1, 1, 1] }),
    ]);
    expect(scenarios.map(({ scenario, replications }) => [scenario, replications])).toEqual([
      ["baseline", 2],
      ["two", 1],
    ]);
    expect(scenarios[0]).toMatchObject({
      columns: { waiting: [0, 3, 6.5] },
      lows: { waiting: [0, 2, 4] },
      highs: { waiting: [0, 4, 9] },
    });
    expect(scenarios[1]).not.toHaveProperty("lows");
  });

  it("have nothing where nothing was measured", () => {
    const ttftP99Seconds = [0, 2, 0];
    const { scenarios } = timelinesOf([
      run("baseline", { ttftP99Seconds }),
      run("baseline", { ttftP99Seconds: [0, 4, 5] }),
    ]);
    expect(scenarios[0]?.columns.ttftP99Seconds).toEqual([null, 3, 5]);
    expect(scenarios[0]?.columns.waiting).toEqual([null, null, null]);
  });

  it("of nothing are none", () => expect(timelinesOf([])).toEqual({ scenarios: [] }));
});
