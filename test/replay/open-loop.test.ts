import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { EngineConfig } from "../../src/engine/engine.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import { findGpu } from "../../src/model/catalogue/index.ts";
import type { Finished } from "../../src/model/fact.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { instant, START } from "../../src/sim/time.ts";
import { shapeOf } from "../latency/fixtures.ts";
import { csv, header, replay } from "./replay.ts";

const MODEL = "meta-llama/Llama-3.1-8B-Instruct";

interface Row {
  readonly request_id: number;
  readonly arrival_time_us: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly prefix_group: string;
  readonly prefix_length: number;
}

/** Bursts on a coarse grid, so that arrivals tie with each other and with steps. */
const rowsOf = (rng: Rng, count: number): Row[] => {
  let at = 0;
  return Array.from({ length: count }, (_, id) => {
    at += rng.below(4) * 10_000;
    const group = rng.below(3);
    return {
      request_id: id,
      arrival_time_us: at,
      input_tokens: 1 + rng.below(900),
      output_tokens: 1 + rng.below(200),
      prefix_group: group === 0 ? "" : `g${group}`,
      prefix_length: group === 0 ? 0 : 200,
    };
  });
};

const engine = {
  maxNumSeqs: 8,
  maxNumBatchedTokens: 512,
  numGpuBlocks: 250,
  longPrefillTokenThreshold: 256,
  maxModelLen: 8192,
};
const config: EngineConfig = {
  ...engine,
  mode: "blis",
  blockSize: 16,
  prefixCaching: true,
  chunkedPrefill: true,
  asyncScheduling: false,
};

/** What one engine by itself makes of some rows; arrivals go before the steps of their instant. */
const alone = (rows: readonly Row[], latency: "trained-physics" | "roofline"): Finished[] => {
  const gpu = findGpu("H100");
  if (!("hardware" in gpu)) throw new Error("no H100");
  const timing = latencyModels.create(latencyModels.schema.parse({ name: latency }), {
    shape: shapeOf(MODEL),
    hardware: gpu.hardware,
    parallelism: { tp: 1, pp: 1, dp: 1, expertParallel: false },
    mode: "blis",
  });
  const ended: Finished[] = [];
  const one = createEngine(config, timing, { firstToken: () => {}, finished: (facts) => ended.push(facts) }, START);
  for (const row of rows) {
    const now = instant(row.arrival_time_us);
    while (one.due < now) one.advance(one.due);
    const tokens = row.prefix_group === "" ? 0 : row.prefix_length;
    one.submit(
      {
        id: row.request_id,
        arrival: now,
        promptTokens: row.input_tokens + tokens,
        outputTokens: row.output_tokens,
        maxTokens: row.output_tokens,
        ...(tokens === 0 ? {} : { prefix: { kind: "group", key: row.prefix_group, tokens } }),
      },
      now,
    );
  }
  while (one.held > 0) one.advance(one.due);
  return ended;
};

describe.each(["trained-physics", "roofline"] as const)("an open-loop trace on %s", (latencyModel) => {
  it.each([1, 3])("over %d replicas in turn is what as many engines make of it by themselves", async (replicas) => {
    const rows = rowsOf(rngOf(replicas).stream("rows"), 400);
    const files = { "trace.yaml": header(), "trace.csv": csv(rows as never) };
    const { requests } = await replay(
      { model: MODEL, gpu: "H100", replicas, engine: { ...engine, latencyModel }, horizon: "1h" },
      files,
    );
    const facts = Array.from({ length: replicas }, (_, k) =>
      alone(
        rows.filter((_row, i) => i % replicas === k),
        latencyModel,
      ),
    );
    expect(facts.flat().some(({ preemptions }) => preemptions > 0)).toBe(true);
    const expected = facts
      .flatMap((ended, k) => ended.map((one) => ({ one, k })))
      .sort((a, b) => a.one.request.id - b.one.request.id);
    const pods = [...new Set([...requests].sort((a, b) => a.id - b.id).map(({ replica }) => replica))];
    expect(pods).toHaveLength(replicas);
    const seen = [...requests].sort((a, b) => a.id - b.id);
    expect(seen).toEqual(
      expected.map(({ one, k }) => ({
        id: one.request.id,
        arrivalUs: one.request.arrival,
        firstTokenUs: one.firstToken,
        endUs: one.end,
        promptTokens: one.request.promptTokens,
        outputTokens: one.outputTokens,
        cachedTokens: one.cachedTokens,
        preemptions: one.preemptions,
        replica: pods[k],
        outcome: one.outcome,
      })),
    );
  });
});

describe("a request that arrives when a step starts", () => {
  it("takes part in it, and a microsecond later in the next one only", async () => {
    const setup = { model: MODEL, gpu: "H100", engine: { ...engine, latencyModel: "roofline" }, horizon: "1h" };
    const play = async (second: number) => {
      const rows = [
        { request_id: 0, arrival_time_us: 0, input_tokens: 100, output_tokens: 50 },
        { request_id: 1, arrival_time_us: second, input_tokens: 100, output_tokens: 2 },
      ];
      const { requests } = await replay(setup, { "trace.yaml": header(), "trace.csv": csv(rows) });
      return [0, 1].map((id) => requests.find((one) => one.id === id)?.firstTokenUs as number) as [number, number];
    };
    const [stepEnd] = await play(1e9);
    const [[, atOnce], [, later]] = [await play(stepEnd), await play(stepEnd + 1)];
    expect(later - atOnce).toBeGreaterThan(1000);
  });
});
