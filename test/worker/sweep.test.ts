import { describe, expect, it } from "vitest";
import { digestOf } from "../../src/twin/digest.ts";
import { MOST_RUNS, measuredIn, problemLine, readResult, rowLine, rowOf } from "../../src/worker/sweep/result-lines.ts";
import { decodeRound, encodeRound, runsOfShard } from "../../src/worker/sweep/round.ts";
import { runShard } from "../../src/worker/sweep/run-shard.ts";
import { scenario } from "../twin/scenario-fixture.ts";

const runs = [7, 8, 9, 10, 11].map((seed) => scenario({ seed, horizonMicros: 60e6, warmUpMicros: 0 }));
const objectives = [{ metric: "ttft" as const, percentile: 95 as const, atMost: "1s" }];
const round = { version: "0.1.0", objectives, maxTraceBytes: 1e6, scenarios: runs };

describe("a round on its way to pods", () => {
  it("comes back as it was, infinities too, and what runs have in common goes once", () => {
    const endless = { ...runs[0], saturation: { limit: Number.POSITIVE_INFINITY } } as unknown as (typeof runs)[0];
    const { bytes, digest } = encodeRound({ ...round, scenarios: [...runs, endless] });
    const back = decodeRound(bytes);
    expect(back.digest).toBe(digest);
    expect(back.scenarios.map(digestOf)).toEqual([...runs, endless].map(digestOf));
    expect(back.scenarios.at(-1)).toMatchObject({ saturation: { limit: Number.POSITIVE_INFINITY } });
    const many = Array.from({ length: 1000 }, (_, seed) => ({ ...runs[0], seed })) as typeof runs;
    expect(encodeRound({ ...round, scenarios: many }).bytes.length).toBeLessThan(12 * bytes.length);
  });

  it("is cut into shards that hold each run once, and none many more than another", () => {
    for (const [shards, count] of [
      [1, 1],
      [3, 10],
      [4, 4],
      [63, 1000],
    ] as const) {
      const all = Array.from({ length: shards }, (_, i) => runsOfShard(i, shards, count));
      expect(all.flat()).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(Math.max(...all.map(({ length }) => length)) - Math.min(...all.map(({ length }) => length))).toBeLessThan(
        2,
      );
    }
  });
});

describe("a shard", () => {
  const decoded = decodeRound(encodeRound(round).bytes);
  const ran = async (known: readonly number[] = []): Promise<string> => {
    let text = "";
    await runShard(decoded, { shard: 1, shards: 2 }, new Set(known), (line) => (text += line));
    return text;
  };

  it("done twice writes the same, and goes on where another was cut off", async () => {
    const whole = await ran();
    expect(await ran()).toBe(whole);
    const rows = readResult(whole)?.rows ?? [];
    expect(rows.map(([run]) => run)).toEqual([2, 3, 4]);
    // Killed in the middle of its second row.
    const cut = readResult(whole.slice(0, whole.length - rowLine(rows[2] as (typeof rows)[0]).length - 3));
    expect(cut?.rows).toEqual(rows.slice(0, 1));
    const rest = readResult(await ran(cut?.rows.map(([run]) => run)));
    expect([...(cut?.rows ?? []), ...(rest?.rows ?? [])]).toEqual(rows);
  });

  it("fits a termination message, whatever its figures and its problem", () => {
    const measured = {
      violation: 2.2250738585072014e-308,
      met: 0.1 + 0.2,
      attained: 0.1 + 0.2,
      cost: 2.2250738585072014e-308,
      gpuHours: Number.MAX_VALUE,
    };
    expect(measuredIn(rowOf(3, measured))).toEqual(measured);
    const problem = problemLine({ reason: "BrokenTrace", message: "€".repeat(5000), fix: "€".repeat(5000) });
    const text = rowLine(rowOf(99_999, measured)).repeat(MOST_RUNS) + problem;
    expect(Buffer.byteLength(text) + 80).toBeLessThanOrEqual(4096);
  });

  it("says why a run can't be done, and what is no message of ours is none", () => {
    const head = '{"servetwin":"0.1.0","round":"d"}\n';
    const problem = { reason: "BrokenTrace", message: "line 3", fix: "mend it" };
    expect(readResult(head + problemLine(problem))).toEqual({ version: "0.1.0", digest: "d", rows: [], problem });
    for (const text of ["", "Killed", "[1]", "{}", "[0,0,1,null,null,1]\n"]) expect(readResult(text)).toBeUndefined();
    expect(readResult(`${head}[0,-1,1,null,null,1]\n[0,"1",1,null,null,1]\n[0,0,1]\n`)?.rows).toEqual([]);
  });
});
