import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import { type Create, type EngineCase, measureEngine, stepByStep } from "../bench/engine-cases.ts";
import { leastInTurn } from "../least-in-turn.ts";

/**
 * What the engine costs, as ratios of CPU time within one run, with room for a busy machine: absolute times mean nothing
 * there. What was measured is in docs/performance.md.
 */
describe("cost of the engine", () => {
  const chat: EngineCase = {
    name: "chat",
    requests: 1000,
    slots: 256,
    blocks: 16_000,
    prompt: 256,
    output: 256,
    perSecond: 20,
  };

  it("is a fraction of that of the engine which takes every step", () => {
    const storm = { ...chat, requests: 150, slots: 64, blocks: 300, prompt: 100, output: 900, perSecond: 10 };
    // Ten and more of each, once both are warm.
    expect(leastOf(stepByStep, chat, 1) / leastOf(createEngine, chat, 6)).toBeGreaterThan(3);
    expect(leastOf(stepByStep, storm, 1) / leastOf(createEngine, storm, 6)).toBeGreaterThan(2);
  });

  it("grows with requests, not with those that wait", () => {
    const far = { ...chat, slots: 64, perSecond: 1e6 };
    const perRequest = (requests: number) => () => measureEngine(createEngine, { ...far, requests }).ms / requests;
    const [few, many] = leastInTurn(3, perRequest(2000), perRequest(16_000));
    expect(many / few).toBeLessThan(3);
  });

  it("is for what happens: neither steps nor queued requests wake it", () => {
    const { wakes, steps } = measureEngine(createEngine, { ...chat, perSecond: 0.3, requests: 200, output: 2000 });
    expect(wakes / 200).toBeLessThan(6);
    expect(steps / wakes).toBeGreaterThan(20);
  });
});

/** Milliseconds of the quickest of so many runs. */
const leastOf = (create: Create, one: EngineCase, runs: number): number =>
  Math.min(...Array.from({ length: runs }, () => measureEngine(create, one).ms));
