import { describe, expect, it } from "vitest";
import type { Request } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { meanRate, peakRate, syntheticSource, syntheticWorkload } from "../../src/workload/sources/index.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const short = { prompt: { distribution: "constant", tokens: 10 }, output: { distribution: "constant", tokens: 2 } };
const chat = { name: "chat", rate: 2, ...short };
const batch = {
  name: "batch",
  rate: 3,
  arrival: { process: "gamma", cv: 2 },
  ...short,
  prompt: { distribution: "normal", mean: 900, deviation: 300 },
};
const parse = (said: object) => syntheticWorkload.parse(said);

const take = (said: object, count: number, seed = 1): Request[] => {
  const source = syntheticSource(parse(said), rngOf(seed));
  const requests: Request[] = [];
  while (requests.length < count) {
    const drawn = source.next();
    if (drawn.kind !== "request") break;
    requests.push(drawn.request);
  }
  return requests;
};
/** What a client sent, whoever else there was. */
const bare = ({ arrival, promptTokens, outputTokens }: Request) => ({ arrival, promptTokens, outputTokens });

describe("syntheticSource", () => {
  it("counts ids in order of arrival, over all clients", () => {
    const requests = take({ clients: [chat, batch] }, 500);
    expect(requests.map(({ id }) => id)).toEqual(requests.map((_request, index) => index));
    expect(requests.every(({ arrival }, index) => arrival >= (requests[index - 1]?.arrival ?? 0))).toBe(true);
  });

  it("leaves a client's requests as they are when another comes", () => {
    const alone = take({ clients: [chat] }, 100).map(bare);
    const both = take({ clients: [batch, chat] }, 1000)
      .filter(({ promptTokens }) => promptTokens === 10)
      .map(bare);
    expect(both.slice(0, 100)).toEqual(alone);
  });

  it("leaves arrivals and outputs as they are when prompts change", () => {
    const sent = (prompt: object) => take({ clients: [{ ...batch, prompt }] }, 100);
    const [before, now] = [
      sent({ distribution: "constant", tokens: 5 }),
      sent({ distribution: "lognormal", mean: 50, deviation: 9 }),
    ];
    const rest = ({ arrival, outputTokens }: Request) => [arrival, outputTokens];
    expect(now.map(rest)).toEqual(before.map(rest));
    expect(now.map(bare)).not.toEqual(before.map(bare));
  });

  it("scales a client's gaps by its rate, keeping their course", () => {
    const [slow, fast] = [take({ clients: [chat] }, 200), take({ clients: [{ ...chat, rate: 20 }] }, 200)];
    fast.forEach(({ arrival }, index) =>
      expect(Math.abs(arrival * 10 - (slow[index]?.arrival ?? 0))).toBeLessThanOrEqual(6),
    );
  });

  it("keeps the variation of gaps at every rate of a pattern: rescaled gaps are the gaps of an even rate", () => {
    const pattern = [{ shape: "step", at: "100s", factor: 5 }];
    const [even, stepped] = [take({ clients: [batch] }, 900), take({ clients: [batch], pattern }, 900)];
    even.forEach(({ arrival }, index) => {
      const expected = arrival <= 100e6 ? arrival : 100e6 + (arrival - 100e6) / 5;
      expect(Math.abs((stepped[index]?.arrival ?? 0) - expected)).toBeLessThanOrEqual(1);
    });
  });

  it("settles ties by the order of the clients", () => {
    // At ten million a second nearly every microsecond has a tie.
    const clients = Array.from({ length: 10 }, (_, i) => ({
      ...chat,
      name: `c${i}`,
      rate: 1_000_000,
      prompt: { distribution: "constant", tokens: i + 1 },
    }));
    const requests = take({ clients }, 2000);
    let ties = 0;
    requests.forEach(({ arrival, promptTokens }, index) => {
      const before = requests[index - 1];
      if (before?.arrival !== arrival) return;
      ties += 1;
      expect(promptTokens).toBeGreaterThanOrEqual(before.promptTokens);
    });
    expect(ties).toBeGreaterThan(1000);
  });

  it("puts the shared prefix on top of the prompt, one of so many groups", () => {
    const requests = take({ clients: [{ ...chat, prefix: { tokens: 100, groups: 3 }, sloClass: "batch" }] }, 300);
    expect(requests.every(({ promptTokens, sloClass }) => promptTokens === 110 && sloClass === "batch")).toBe(true);
    const keys = new Set(requests.map(({ prefix }) => (prefix?.kind === "group" ? prefix.key : undefined)));
    expect([...keys].sort()).toEqual(["chat/0", "chat/1", "chat/2"]);
  });

  it("ends when the rate has gone to 0 for good", () => {
    const pattern = [{ shape: "step", at: "100s", factor: 0 }];
    const requests = take({ clients: [chat, batch], pattern }, 100_000);
    expect(requests.length).toBeGreaterThan(300);
    expect(requests.at(-1)?.arrival).toBeLessThan(100e6);
  });

  it("tells the same twice, and another seed something else", () =>
    forAllSeeds(10, (_rng, seed) => {
      const said = { clients: [chat, batch], pattern: [{ shape: "diurnal", peakToTrough: 4 }] };
      expect(take(said, 50, seed)).toEqual(take(said, 50, seed));
      expect(take(said, 50, seed)).not.toEqual(take(said, 50, seed + 1000));
    }));
});

describe("rates of a workload", () => {
  const said = parse({ clients: [chat, batch], pattern: [{ shape: "spike", at: "10s", duration: "10s", factor: 7 }] });
  it("peak at the highest of the pattern", () => expect(peakRate(said)).toBe(35));
  it("have a mean over a horizon", () => {
    expect(meanRate(said, 10e6)).toBeCloseTo(5, 9);
    expect(meanRate(said, 40e6)).toBeCloseTo((5 * 30 + 35 * 10) / 40, 9);
  });
});

describe("syntheticWorkload", () => {
  it("fills in what has a default", () => {
    const said = parse({ clients: [{ ...chat, prefix: { tokens: 8 } }] });
    expect(said.pattern).toEqual([]);
    expect(said.clients[0]).toMatchObject({ arrival: { process: "poisson" }, prefix: { tokens: 8, groups: 1 } });
  });

  it.each([
    ["no client", { clients: [] }, "clients"],
    ["a negative rate", { clients: [{ ...chat, rate: -1 }] }, "clients.0.rate"],
    ["a rate of 0", { clients: [{ ...chat, rate: 0 }] }, "clients.0.rate"],
    ["no finite rate", { clients: [{ ...chat, rate: Number.POSITIVE_INFINITY }] }, "clients.0.rate"],
    ["two clients of one name", { clients: [chat, chat] }, "clients"],
    ["a name that is none", { clients: [{ ...chat, name: "Chat/1" }] }, "clients.0.name"],
    ["a field too many", { clients: [{ ...chat, rps: 3 }] }, "clients.0"],
    ["an unknown process", { clients: [{ ...chat, arrival: { process: "pareto" } }] }, "clients.0.arrival.process"],
    [
      "a parameter of another process",
      { clients: [{ ...chat, arrival: { process: "poisson", cv: 2 } }] },
      "clients.0.arrival",
    ],
    [
      "min above max",
      { clients: [{ ...batch, prompt: { distribution: "normal", mean: 5, deviation: 1, min: 9, max: 8 } }] },
      "clients.0.prompt.min",
    ],
    [
      "half a token",
      { clients: [{ ...chat, output: { distribution: "constant", tokens: 0.5 } }] },
      "clients.0.output.tokens",
    ],
    [
      "no weight",
      { clients: [{ ...chat, output: { distribution: "empirical", points: [{ tokens: 1, weight: 0 }] } }] },
      "clients.0.output.points.0.weight",
    ],
    [
      "no points",
      { clients: [{ ...chat, output: { distribution: "empirical", points: [] } }] },
      "clients.0.output.points",
    ],
    ["a negative factor", { clients: [chat], pattern: [{ shape: "step", at: "1s", factor: -1 }] }, "pattern.0.factor"],
    ["no duration", { clients: [chat], pattern: [{ shape: "step", at: "soon", factor: 1 }] }, "pattern.0.at"],
    ["a million years", { clients: [chat], pattern: [{ shape: "step", at: "365000000d", factor: 1 }] }, "pattern.0.at"],
    [
      "a trough above the peak",
      { clients: [chat], pattern: [{ shape: "diurnal", peakToTrough: 0.5 }] },
      "pattern.0.peakToTrough",
    ],
  ])("refuses %s", (_name, said, path) => {
    expect(syntheticWorkload.safeParse(said).error?.issues.map((issue) => issue.path.join("."))).toContain(path);
  });
});

describe("clients with sessions", () => {
  const session = { rounds: 4, thinkTime: { mean: "5s", deviation: "3s" } };
  const prompt = { distribution: "lognormal", mean: 100, deviation: 80 };
  const agent = { ...chat, name: "agent", prompt, session, prefix: { tokens: 50, groups: 3 } };

  /** Every session to its end, its requests taking as long as told. */
  const play = (said: object, serviceMicros: (request: Request) => number, count = 20): Request[][] => {
    const source = syntheticSource(parse(said), rngOf(3));
    return Array.from({ length: count }, () => {
      const drawn = source.next();
      if (drawn.kind !== "request") throw new Error("no request");
      const requests = [drawn.request];
      for (let next: Request | undefined = drawn.request; next !== undefined; ) {
        const now: Request = next;
        const ended = { request: now, outcome: "stop", outputTokens: now.outputTokens } as const;
        next = source.ended?.(ended, instant(now.arrival + serviceMicros(now)))[0];
        if (next !== undefined) requests.push(next);
      }
      return requests;
    });
  };

  it("draw the same rounds however long the requests take, and start as they would without", () => {
    const [quick, slow] = [
      play({ clients: [agent] }, () => 1000),
      play({ clients: [agent] }, ({ id }) => 1e6 * (id + 1)),
    ];
    const drawn = (sessions: Request[][]) =>
      sessions.map((requests) => requests.map(({ promptTokens, outputTokens }) => [promptTokens, outputTokens]));
    expect(drawn(slow)).toEqual(drawn(quick));
    const starts = take({ clients: [{ ...agent, session: undefined }] }, 20, 3).map(({ arrival }) => arrival);
    expect(quick.map(([start]) => start?.arrival)).toEqual(starts);
    for (const requests of quick) {
      expect(requests).toHaveLength(4);
      expect(new Set(requests.map(({ session: name, conversation }) => `${name} ${conversation}`)).size).toBe(1);
      expect(new Set(requests.map(({ prefix }) => JSON.stringify(prefix))).size).toBe(1);
      requests.reduce((before, next) => {
        expect(next.arrival).toBeGreaterThanOrEqual(before.arrival + 1000);
        expect(next.promptTokens).toBeGreaterThan(before.promptTokens + before.outputTokens);
        return next;
      });
    }
    const ids = quick.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("think as told in the mean, or always the same", () => {
    const gaps = (thinkTime: object): number[] =>
      play({ clients: [{ ...agent, session: { rounds: 101, thinkTime } }] }, () => 0, 20).flatMap((requests) =>
        requests.slice(1).map((request, i) => request.arrival - (requests[i] as Request).arrival),
      );
    expect(new Set(gaps({ mean: "5s" }))).toEqual(new Set([5e6]));
    const drawn = gaps({ mean: "5s", deviation: "3s" });
    expect(drawn).toHaveLength(2000);
    expect(Math.abs(drawn.reduce((sum, gap) => sum + gap, 0) / drawn.length / 5e6 - 1)).toBeLessThan(0.07);
  });

  it("repeat nothing but their prefix where contexts don't grow", () => {
    const said = { clients: [{ ...agent, ...short, session: { ...session, contextGrowth: "none" } }] };
    for (const request of play(said, () => 5).flat()) {
      expect(request).toMatchObject({ promptTokens: 60, prefix: { tokens: 50 } });
      expect(request.conversation).toBeUndefined();
    }
  });

  it("hang up after their timeout, in every round", () => {
    for (const { arrival, deadline } of play({ clients: [{ ...agent, timeout: "90s" }] }, () => 5).flat()) {
      expect(deadline).toBe(arrival + 90e6);
    }
    expect(take({ clients: [chat] }, 1)[0]).not.toHaveProperty("deadline");
  });

  it("count with all their rounds against the bounds", () => {
    const said = parse({
      clients: [
        { ...agent, rate: 2 },
        { ...chat, rate: 1 },
      ],
    });
    expect(peakRate(said)).toBe(9);
    expect(meanRate(said, 3600e6)).toBeCloseTo(9);
  });
});
