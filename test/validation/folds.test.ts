import { describe, expect, it } from "vitest";
import { crowdingOf } from "../../src/validation/folds.ts";
import { readMeasuredRuns } from "../../src/validation/measured-run.ts";
import { longestRequest } from "../../src/validation/replay.ts";
import { serverOf } from "../../src/validation/server.ts";
import { closedCase, file } from "./files.ts";

const runsOf = (json: unknown) => {
  const read = readMeasuredRuns(json, "f.json");
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value.runs;
};

describe("how crowded a closed loop is", () => {
  const [run] = runsOf({ cases: [closedCase] });
  if (run?.load.kind !== "closed") throw new Error("no closed loop");
  const { load } = run;
  const server = serverOf(run.server, longestRequest(run));
  if (!server.ok) throw new Error("no server");
  const { config } = server.value;
  const crowding = (said: Partial<typeof load>, settings: Partial<typeof config> = {}) =>
    crowdingOf(
      { ...run, load: { ...load, ...said } },
      { ...server.value, config: { ...config, ...settings }, engines: 1 },
    );

  it.each([
    [{ concurrency: 4, promptTokens: 500, outputTokens: 100 }, {}, "prompts fit one step"],
    [{ concurrency: 5, promptTokens: 500, outputTokens: 100 }, {}, "requests fit the cache"],
    [{ concurrency: 65, promptTokens: 10, outputTokens: 10 }, {}, "a queue forms"],
    [{ concurrency: 5, promptTokens: 500, outputTokens: 12 }, { numGpuBlocks: 160 }, "a queue forms"],
    [{ concurrency: 5, promptTokens: 500, outputTokens: 12 }, { numGpuBlocks: 161 }, "requests fit the cache"],
  ])("%j %j: %s", (said, settings, expected) => {
    const usual = { maxNumBatchedTokens: 2048, maxNumSeqs: 64, numGpuBlocks: 10_000, blockSize: 16 };
    expect(crowding(said, { ...usual, ...settings })).toBe(expected);
  });

  it("is not asked of open loops", () => {
    const [open] = runsOf(file);
    expect(open && crowdingOf(open, server.value)).toBeUndefined();
  });
});
