import { describe, expect, it } from "vitest";
import { boundedStatus, MOST_STATUS_BYTES } from "../../src/operator/bounded-status.ts";
import { type SimulationStatus, simulationStatus } from "../../src/schema/simulation-status.ts";

const kpis = Object.fromEntries(
  Array.from({ length: 90 }, (_, i) => [
    i % 3 === 0 ? `key${i}P99Seconds` : `figureWithALongName${i}`,
    { mean: 1234.56, p10: 1000.01, p90: 2000.02 },
  ]),
);
const run = (scenario: string): NonNullable<SimulationStatus["runs"]>[number] => ({
  scenario,
  seeds: [1],
  digest: "d".repeat(64),
  version: "1",
  horizonSeconds: 3600,
  kpis,
  notes: Array.from({ length: 20 }, () => "n".repeat(300)),
});
const status = (values: number, runs: number): SimulationStatus => ({
  phase: "Succeeded",
  conditions: [],
  mirrored: Array.from({ length: values }, (_, i) => ({
    path: `p${i}`,
    value: "v".repeat(200),
    from: "f".repeat(200),
  })),
  runs: Array.from({ length: runs }, (_, i) => run(i === 0 ? "baseline" : `candidate-${i}`)),
});
const bytes = (of: SimulationStatus): number => Buffer.byteLength(JSON.stringify(of));

describe("a status", () => {
  it("that fits is left as it is", () => {
    const small = status(50, 1);
    expect(boundedStatus(small)).toBe(small);
  });

  it("that is too large has its values cut first, and says so", () => {
    const cut = boundedStatus(status(400, 1));
    expect(bytes(cut)).toBeLessThanOrEqual(MOST_STATUS_BYTES);
    expect(cut.mirrored).toHaveLength(100);
    expect(cut.omitted).toEqual(["status.mirrored beyond 100 values"]);
    expect(cut.runs).toEqual(status(400, 1).runs);
  });

  it("as large as the schema's lists allow fits, keeps every run and the baseline's figures, and is valid", () => {
    const cut = boundedStatus(status(500, 20));
    expect(bytes(cut)).toBeLessThanOrEqual(MOST_STATUS_BYTES);
    expect(cut.runs?.map(({ scenario }) => scenario)).toHaveLength(20);
    expect(cut.runs?.[0]?.kpis).toEqual(kpis);
    expect(Object.keys(cut.runs?.[1]?.kpis ?? {})).toContain("key0P99Seconds");
    expect(simulationStatus.safeParse(cut).success).toBe(true);
  });
});
