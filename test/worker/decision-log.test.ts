import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConsideredEndpoint, Decision, TrueState } from "../../src/model/decision.ts";
import { counterfactual, predictedTtftSeconds } from "../../src/report/counterfactual.ts";
import { decisionDocument } from "../../src/schema/decision-document.ts";
import { instant } from "../../src/sim/time.ts";
import { DecisionLog } from "../../src/worker/decision-log.ts";
import { UnwritableFileError } from "../../src/worker/line-file.ts";
import { runPreview } from "../../src/worker/preview.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { scenario } from "../twin/scenario-fixture.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "servetwin-decisions-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const idle: TrueState = {
  waiting: 0,
  running: 0,
  kvUsage: 0,
  promptTokensAhead: 0,
  cachedTokens: 0,
  stepLeftSeconds: 0,
  tokensPerStep: 2000,
  stepSeconds: 0.1,
};
const endpoint = (
  name: string,
  truth: Partial<TrueState> = {},
  over: Partial<ConsideredEndpoint> = {},
): ConsideredEndpoint => ({
  name,
  scores: { "queue-scorer": 1 },
  total: 2,
  believed: { scrapedAt: instant(900), waiting: 0, running: 1, kvUsage: 0.5, inFlight: 2 },
  truth: { ...idle, ...truth },
  ...over,
});
const decision = (chosen: string | undefined, ...endpoints: readonly ConsideredEndpoint[]): Decision => ({
  at: instant(1000),
  request: { id: 7, arrival: instant(1000), promptTokens: 1000, sloClass: "critical" },
  picker: chosen && "llama-epp-1",
  profile: "default",
  endpoints,
  chosen,
});

describe("the predicted time to first token", () => {
  it.each([
    { name: "half of a full step", truth: {}, seconds: 0.05 },
    { name: "the step under way comes first", truth: { stepLeftSeconds: 0.03 }, seconds: 0.08 },
    { name: "what is ahead comes first", truth: { promptTokensAhead: 5000 }, seconds: 0.3 },
    { name: "what is cached is not computed", truth: { promptTokensAhead: 5000, cachedTokens: 800 }, seconds: 0.26 },
    { name: "all but one at most is cached", truth: { promptTokensAhead: 3999, cachedTokens: 1000 }, seconds: 0.2 },
    { name: "a smaller budget takes more steps", truth: { tokensPerStep: 250 }, seconds: 0.4 },
    { name: "no budget is taken for one token", truth: { tokensPerStep: 0, cachedTokens: 998 }, seconds: 0.2 },
  ])("$name", ({ truth, seconds }) =>
    expect(predictedTtftSeconds({ ...idle, ...truth }, 1000)).toBeCloseTo(seconds, 12),
  );
});

describe("the counterfactual", () => {
  it.each([
    {
      name: "regrets what would have been sooner elsewhere",
      of: decision(
        "a",
        endpoint("a", { promptTokensAhead: 5000 }),
        endpoint("b", { promptTokensAhead: 3000 }),
        endpoint("c"),
      ),
      best: "c",
      regret: 0.25,
    },
    {
      name: "regrets nothing if the pick was best",
      of: decision("a", endpoint("a"), endpoint("b", { stepLeftSeconds: 1 })),
      best: "b",
      regret: 0,
    },
    {
      name: "takes the first of equals",
      of: decision("c", endpoint("a"), endpoint("b"), endpoint("c")),
      best: "a",
      regret: 0,
    },
    {
      name: "looks at those that a filter dropped",
      of: decision(
        "a",
        endpoint("a", { stepLeftSeconds: 1 }),
        endpoint("b", {}, { droppedBy: "utilization-filter", scores: {}, total: 0 }),
      ),
      best: "b",
      regret: 1,
    },
    { name: "has nobody to compare one with", of: decision("a", endpoint("a")), best: undefined, regret: 0 },
    { name: "says what was best where none was picked", of: decision(undefined, endpoint("a")), best: "a", regret: 0 },
    { name: "can do without any", of: decision(undefined), best: undefined, regret: 0 },
  ])("$name", ({ of, best, regret }) => {
    const found = counterfactual(of);
    expect(found.bestOther).toBe(best);
    expect(found.regretSeconds).toBeCloseTo(regret, 12);
  });

  it("never regrets less than nothing, and never more than the pick itself took", () => {
    forAllSeeds(100, (rng) => {
      const endpoints = Array.from({ length: 1 + rng.below(5) }, (_, i) =>
        endpoint(`e${i}`, {
          promptTokensAhead: rng.below(50_000),
          cachedTokens: rng.below(1200),
          stepLeftSeconds: rng.below(100) / 1000,
        }),
      );
      const of = decision(`e${rng.below(endpoints.length)}`, ...endpoints);
      const { regretSeconds, chosenTtftSeconds = 0 } = counterfactual(of);
      expect(regretSeconds).toBeGreaterThanOrEqual(0);
      expect(regretSeconds).toBeLessThan(chosenTtftSeconds);
      const least = Math.min(...endpoints.map(({ truth }) => predictedTtftSeconds(truth, 1000)));
      expect(chosenTtftSeconds - regretSeconds).toBeCloseTo(least, 12);
    });
  });
});

describe("the log of decisions", () => {
  it("has a line for each, with beliefs and truth side by side", () => {
    const path = join(folder, "all.jsonl");
    const log = new DecisionLog(path, 1);
    log.tell(
      decision(
        "a",
        endpoint("a", { waiting: 3, stepLeftSeconds: 0.5 }),
        endpoint("b", {}, { droppedBy: "by-label", believed: { ...endpoint("b").believed, cachedTokens: 640 } }),
      ),
    );
    log.tell(decision(undefined));
    log.end();
    const [first, second, ...rest] = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rest).toEqual([]);
    expect(first).toEqual({
      atUs: 1000,
      requestId: 7,
      promptTokens: 1000,
      sloClass: "critical",
      tenant: null,
      picker: "llama-epp-1",
      profile: "default",
      chosen: "a",
      chosenTtftSeconds: 0.55,
      bestOther: "b",
      bestOtherTtftSeconds: 0.05,
      regretSeconds: 0.5,
      endpoints: [
        {
          name: "a",
          droppedBy: null,
          scores: { "queue-scorer": 1 },
          total: 2,
          predictedTtftSeconds: 0.55,
          believed: { ageUs: 100, waiting: 0, running: 1, kvUsageRatio: 0.5, inFlight: 2, cachedTokens: null },
          truth: {
            waiting: 3,
            running: 0,
            kvUsageRatio: 0,
            promptTokensAhead: 0,
            cachedTokens: 0,
            stepLeftSeconds: 0.5,
            tokensPerStep: 2000,
            stepSeconds: 0.1,
          },
        },
        expect.objectContaining({
          name: "b",
          droppedBy: "by-label",
          predictedTtftSeconds: 0.05,
          believed: { ageUs: 100, waiting: 0, running: 1, kvUsageRatio: 0.5, inFlight: 2, cachedTokens: 640 },
        }),
      ],
    });
    // As its schema says, and nothing beyond.
    for (const line of [first, second]) expect(decisionDocument.parse(line)).toEqual(line);
    expect(second).toMatchObject({
      picker: null,
      chosen: null,
      bestOther: null,
      chosenTtftSeconds: null,
      endpoints: [],
    });
  });

  it("wants every Nth request", () => {
    const log = new DecisionLog(join(folder, "some.jsonl"), 3);
    const wanted = [0, 1, 2, 3, 4, 5, 6].filter((id) => log.wants({ ...decision(undefined).request, id }));
    log.discard();
    expect(wanted).toEqual([0, 3, 6]);
    expect(existsSync(join(folder, "some.jsonl"))).toBe(false);
  });

  it("says where it can't be written, and a preview leaves nothing behind", async () => {
    const nowhere = join(folder, "nowhere", "a");
    expect(() => new DecisionLog(nowhere, 1)).toThrow(UnwritableFileError);
    const requestsFile = join(folder, "requests.jsonl");
    const task = { scenario: scenario({ horizonMicros: 1e6 }), maxTraceBytes: 1, requestsFile, decisionsFile: nowhere };
    expect(await runPreview(task)).toMatchObject({ kind: "problem", reason: "UnwritableFile" });
    expect(existsSync(requestsFile)).toBe(false);
  });
});
