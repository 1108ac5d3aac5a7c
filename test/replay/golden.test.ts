import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { csv, header, replay } from "./replay.ts";

/** One closed-loop run of the reference simulator with its results. A session is [first arrival, group, rounds, think]. */
interface Run {
  readonly id: string;
  readonly model: string;
  readonly gpu: string;
  readonly tp: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly gpuKvBlocks: number;
  readonly sharedPrefixTokens: number;
  readonly questionTokens: number;
  readonly outputTokens: number;
  readonly sessions: readonly (readonly [number, number, number, number])[];
  readonly expected: Readonly<Record<string, number>>;
}

const AT_FINISH_US = 777;
/** One of each model's size and kind, short ones; `test/engine/golden.test.ts` has all fifteen on the bare engine. */
const CHOSEN = ["17", "48", "60", "66", "67"];

const traceOf = (run: Run): string => {
  let id = 0;
  return csv(
    run.sessions.flatMap(([arrival, group, rounds, think], session) =>
      Array.from({ length: rounds }, (_, round) => ({
        request_id: id++,
        session_id: `s${session}`,
        round_index: round,
        prefix_group: `g${group}`,
        prefix_length: run.sharedPrefixTokens,
        input_tokens: run.questionTokens,
        output_tokens: run.outputTokens,
        arrival_time_us: arrival,
        think_time_us: round === 0 ? 0 : think,
      })),
    ),
  );
};

const file = new URL("../../../shared/design/engine-golden.json", import.meta.url);
const there = existsSync(file);
if (!there) console.warn("../shared is not there: the recorded runs of the reference simulator are not replayed");

describe.skipIf(!there)("recorded runs of the reference simulator, given as traces", () => {
  const runs: Run[] = there ? JSON.parse(readFileSync(file, "utf8")).runs : [];
  const chosen = runs.filter(({ id }) => CHOSEN.includes(id));

  it("are there", () => expect(chosen).toHaveLength(CHOSEN.length));

  it.each(chosen)("$id $model: every figure is equal", { timeout: 60_000 }, async (run) => {
    const { requests } = await replay(
      {
        model: run.model,
        gpu: run.gpu,
        tp: run.tp,
        engine: {
          maxNumSeqs: run.maxNumSeqs,
          maxNumBatchedTokens: run.maxNumBatchedTokens,
          numGpuBlocks: run.gpuKvBlocks,
          maxModelLen: 1_000_000,
        },
      },
      { "trace.yaml": header(), "trace.csv": traceOf(run) },
    );
    const sums = { completed: 0, input: 0, output: 0, ttft: 0, e2e: 0, itl: 0 };
    for (const { arrivalUs, firstTokenUs, endUs, promptTokens, outputTokens, outcome } of requests) {
      expect(outcome).toBe("stop");
      const [first, end] = [firstTokenUs as number, endUs as number];
      sums.completed += 1;
      sums.input += promptTokens;
      sums.output += outputTokens as number;
      sums.ttft += first - arrivalUs;
      sums.e2e += end - arrivalUs;
      sums.itl += (end - AT_FINISH_US - first) / Math.max(run.outputTokens - 1, 1);
    }
    const { expected } = run;
    expect(sums.completed).toBe(expected.completed_requests);
    expect(sums.input).toBe(expected.total_input_tokens);
    expect(sums.output).toBe(expected.total_output_tokens);
    expect(sums.ttft).toBe(expected.ttft_sum_us);
    const near = (value: number, wanted = 0): void => expect(Math.abs(value / wanted - 1)).toBeLessThan(1e-9);
    near(sums.e2e / sums.completed / 1000, expected.e2e_mean_ms);
    near(sums.itl / sums.completed / 1000, expected.itl_mean_ms);
  });
});
