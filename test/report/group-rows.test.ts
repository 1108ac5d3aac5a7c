import { describe, expect, it } from "vitest";
import { ReportFold } from "../../src/report/fold.ts";
import { groupRows } from "../../src/report/group-rows.ts";
import type { Kpis } from "../../src/report/report.ts";
import { finished, request, view } from "./views.ts";

/** @param counts requests by tenant; every third is rejected */
const runOf = (counts: Readonly<Record<string, number>>): Kpis => {
  const fold = new ReportFold({ horizonMicros: 3600e6, warmUpMicros: 0, gpusPerReplica: { chat: 1 } });
  let id = 0;
  for (const [tenant, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i += 1) {
      id += 1;
      const one = { ...request(id, id), tenant };
      fold.tell({ kind: "arrived", at: one.arrival, request: one });
      fold.tell(finished(one, i % 3 === 2 ? "rejected" : "length", { end: 2 }));
    }
  }
  return fold.kpis(view(3600));
};

describe("groupRows", () => {
  it("has the mean of each group over the replications that have it", () => {
    const { rows, leftOut } = groupRows([runOf({ a: 6, b: 3 }), runOf({ a: 12 })], 8);
    expect(leftOut).toBe(0);
    expect(rows.filter(({ kind }) => kind === "tenant")).toMatchObject([
      { name: "a", requests: 9, completed: 6, failed: 3, e2eP99Seconds: 2 },
      { name: "b", requests: 3, completed: 2, failed: 1 },
    ]);
  });

  it("keeps those with the most requests, and says how many it left out", () => {
    const tenants = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${i}`, 1 + ((i * 7) % 20)]));
    const { rows, leftOut } = groupRows([runOf(tenants)], 5);
    expect(rows.map(({ requests }) => requests).sort((a, b) => a - b)).toEqual([16, 17, 18, 19, 20]);
    expect(leftOut).toBe(15);
  });

  it("has nothing where requests bear no labels, and no runs", () => {
    const fold = new ReportFold({ horizonMicros: 1, warmUpMicros: 0, gpusPerReplica: { chat: 1 } });
    expect(groupRows([fold.kpis(view(0))], 8)).toEqual({ rows: [], leftOut: 0 });
    expect(groupRows([], 8)).toEqual({ rows: [], leftOut: 0 });
  });
});
