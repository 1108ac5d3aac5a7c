import { describe, expect, it } from "vitest";
import type { Outcome, Request } from "../../src/model/request.ts";
import { instant, micros } from "../../src/sim/time.ts";
import { LiveSessions, type Round } from "../../src/workload/live-sessions.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const first = (over: Partial<Request> = {}): Request => ({
  id: 0,
  arrival: instant(10),
  promptTokens: 100,
  outputTokens: 7,
  session: "s",
  ...over,
});
const round = (over: Partial<Round> = {}): Round => ({
  promptTokens: 5,
  outputTokens: 3,
  thinkMicros: micros(1000),
  ...over,
});
const sessions = () => {
  let ids = 100;
  return new LiveSessions(() => ids++);
};

describe("a session under way", () => {
  it.each([
    ["accumulate", 100 + 6 + 5],
    ["none", 5],
    ["recorded", 5],
  ] as const)("with contexts that %s makes its next prompt", (growth, promptTokens) => {
    const live = sessions();
    live.begin(first(), growth, [round()]);
    const [next] = live.ended({ request: first(), outcome: "length", outputTokens: 6 }, instant(50));
    expect(next).toEqual({ id: 100, arrival: 1050, promptTokens, outputTokens: 3, session: "s" });
    expect(live.size).toBe(1);
    expect(live.ended({ request: next as Request, outcome: "stop", outputTokens: 1 }, instant(90))).toEqual([]);
    expect(live.size).toBe(0);
  });

  it.each(["rejected", "overloaded", "timed-out", "aborted", "unroutable"] as const)("is over when %s", (outcome) => {
    const live = sessions();
    live.begin(first(), "none", [round(), round()]);
    expect(live.ended({ request: first(), outcome, outputTokens: 0 }, instant(50))).toEqual([]);
    expect(live.size).toBe(0);
  });

  it("keeps what its requests have in common, but not the deadline", () => {
    const live = sessions();
    const request = first({ deadline: instant(99), maxTokens: 7, adapter: "a", conversation: "s", priority: 3 });
    live.begin(request, "accumulate", [round(), round({ patienceMicros: 50, id: 9 })]);
    const [second] = live.ended({ request, outcome: "stop", outputTokens: 7 }, instant(0)) as [Request];
    expect(second).toMatchObject({ adapter: "a", conversation: "s", priority: 3, maxTokens: 3 });
    expect(second.deadline).toBeUndefined();
    expect(live.ended({ request: second, outcome: "stop", outputTokens: 3 }, instant(0))).toMatchObject([
      { id: 9, deadline: 1050 },
    ]);
  });

  it("knows nothing of other requests", () => {
    const live = sessions();
    live.begin(first(), "none", []);
    expect(live.size).toBe(0);
    expect(live.ended({ request: first({ id: 5 }), outcome: "stop", outputTokens: 1 }, instant(0))).toEqual([]);
  });

  it("ends rather than come after the end of time", () => {
    const live = sessions();
    live.begin(first(), "none", [round()]);
    const ended = { request: first(), outcome: "stop", outputTokens: 1 } as const;
    expect(live.ended(ended, instant(Number.MAX_SAFE_INTEGER - 5))).toEqual([]);
  });
});

describe("any sessions, ended in any order", () => {
  it("make each round once and hold nothing in the end", () =>
    forAllSeeds(100, (rng) => {
      const live = sessions();
      const open: Request[] = [];
      let [due, made, lost] = [0, 0, 0];
      for (let id = 0; id < 20; id += 1) {
        const rounds = Array.from({ length: rng.below(5) }, () => round());
        due += rounds.length;
        open.push(first({ id }));
        live.begin(open.at(-1) as Request, "accumulate", rounds);
      }
      const left = new Map(open.map(({ id }) => [id, 0]));
      while (open.length > 0) {
        const [request] = open.splice(rng.below(open.length), 1) as [Request];
        const outcome: Outcome = rng.below(10) === 0 ? "timed-out" : "stop";
        const [next] = live.ended({ request, outcome, outputTokens: 2 }, instant(request.arrival + 1));
        left.delete(request.id);
        if (outcome !== "stop") lost += 1;
        if (next === undefined) continue;
        expect(next.arrival).toBeGreaterThan(request.arrival);
        expect(next.promptTokens).toBe(request.promptTokens + 2 + 5);
        made += 1;
        open.push(next);
      }
      expect(live.size).toBe(0);
      if (lost === 0) expect(made).toBe(due);
      else expect(made).toBeLessThanOrEqual(due);
    }));
});
