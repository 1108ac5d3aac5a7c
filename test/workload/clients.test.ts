import { describe, expect, it } from "vitest";
import { clientView } from "../../src/model/client-view.ts";
import type { Outcome, Request } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { InstantHeap } from "../../src/workload/instant-heap.ts";
import type { WorkloadSource } from "../../src/workload/source.ts";
import { syntheticSource, syntheticWorkload } from "../../src/workload/sources/index.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const chat = {
  name: "chat",
  rate: 2,
  prompt: { distribution: "lognormal", mean: 100, deviation: 80 },
  output: { distribution: "constant", tokens: 4 },
};
const open = (said: object, seed = 1): WorkloadSource => syntheticSource(syntheticWorkload.parse(said), rngOf(seed));
const take = (source: WorkloadSource, count: number): Request[] => {
  const requests: Request[] = [];
  while (requests.length < count) {
    const drawn = source.next();
    if (drawn.kind !== "request") break;
    requests.push(drawn.request);
  }
  return requests;
};
interface Ended {
  readonly request: Request;
  readonly endAt: number;
}

/** All that comes until `horizon`, in order of their ends, each request ending as told. */
const play = (
  source: WorkloadSource,
  horizon: number,
  end: (request: Request) => { readonly after: number; readonly outcome?: Outcome },
): Ended[] => {
  const done: Ended[] = [];
  const agenda = new InstantHeap<{
    at: number;
    rank: number;
    request: Request;
    outcome: Outcome | undefined;
    drawn: boolean;
  }>();
  let rank = 0;
  const plan = (at: number, request: Request, outcome: Outcome | undefined, drawn: boolean) => {
    agenda.push({ at, rank, request, outcome, drawn });
    rank += 1;
  };
  const draw = () => {
    const next = source.next();
    if (next.kind === "request") plan(next.request.arrival, next.request, undefined, true);
  };
  draw();
  for (let event = agenda.pop(); event !== undefined && event.at <= horizon; event = agenda.pop()) {
    const { at, request, outcome, drawn } = event;
    if (outcome === undefined) {
      const told = end(request);
      plan(at + told.after, request, told.outcome ?? "stop", false);
      if (drawn) draw();
      continue;
    }
    done.push({ request, endAt: at });
    const outputTokens = outcome === "stop" ? request.outputTokens : 0;
    const following = source.ended?.({ request, outcome, outputTokens }, instant(at)) ?? [];
    for (const next of following) plan(next.arrival, next, undefined, false);
  }
  return done;
};

describe("a client", () => {
  it("names itself, whom it sends for, and what it wants", () => {
    const labels = { tenant: "acme", model: "llama", adapter: "sql", priority: 3, cacheSalt: "x", sloClass: "batch" };
    const [request] = take(
      open({ clients: [{ ...chat, ...labels, slo: { ttft: "400ms", tpot: "20ms" }, capOutput: true }] }),
      1,
    );
    expect(request).toMatchObject({ ...labels, client: "chat", sloTtft: 400_000, sloTpot: 20_000, maxTokens: 4 });
  });

  it("may be many: each member as if it were alone, together at the client's rate", () => {
    const said = (members: number) => ({
      clients: [{ ...chat, members, rate: 2 * members, prefix: { tokens: 9, perMember: true } }],
    });
    const keyOf = ({ prefix }: Request) => (prefix?.kind === "group" ? prefix.key : "");
    const three = take(open(said(3)), 3000);
    expect(Math.abs((three.at(-1)?.arrival ?? 0) / 500e6 - 1)).toBeLessThan(0.1);
    expect(new Set(three.map(keyOf))).toEqual(new Set(["chat-0/0", "chat-1/0", "chat-2/0"]));
    const second = (requests: readonly Request[]) =>
      requests
        .filter((request) => keyOf(request) === "chat-1/0")
        .map(({ arrival, promptTokens }) => [arrival, promptTokens]);
    expect(second(take(open(said(8)), 3000)).slice(0, 100)).toEqual(second(three).slice(0, 100));
  });

  it("shares prefixes with clients that give the same name", () => {
    const prefix = { tokens: 64, name: "docs" };
    const requests = take(
      open({
        clients: [
          { ...chat, prefix },
          { ...chat, name: "other", prefix },
        ],
      }),
      50,
    );
    expect(new Set(requests.map(({ prefix: shared }) => JSON.stringify(shared))).size).toBe(1);
    expect(new Set(requests.map(({ client }) => client)).size).toBe(2);
  });

  it("sends images that stand one after the other behind the prefix", () => {
    const media = [
      {
        share: 0.5,
        count: { distribution: "uniform", min: 1, max: 3 },
        tokens: { distribution: "constant", tokens: 50 },
        distinct: 2,
      },
      { kind: "audio", tokens: { distribution: "uniform", min: 5, max: 9 } },
    ];
    const requests = take(open({ clients: [{ ...chat, prompt: chat.output, prefix: { tokens: 10 }, media }] }), 400);
    let pictured = 0;
    for (const { encoderItems = [], promptTokens } of requests) {
      let at = 10;
      for (const { offset, tokens } of encoderItems) {
        expect(offset).toBe(at);
        at += tokens;
      }
      expect(promptTokens).toBe(at + 4);
      expect(encoderItems.at(-1)?.id).toBeUndefined();
      if (encoderItems.length > 1) pictured += 1;
    }
    expect(Math.abs(pictured / 400 - 0.5)).toBeLessThan(0.12);
    const ids = new Set(requests.flatMap(({ encoderItems = [] }) => encoderItems.flatMap(({ id }) => id ?? [])));
    expect([...ids].sort()).toEqual(["chat/image/0/50", "chat/image/1/50"]);
  });

  it("ends after its requests, or those of all", () => {
    expect(
      take(
        open({
          clients: [
            { ...chat, requests: 7 },
            { ...chat, name: "b", requests: 5 },
          ],
        }),
        100,
      ),
    ).toHaveLength(12);
    expect(take(open({ clients: [chat], requests: 9 }), 100)).toHaveLength(9);
    const session = { rounds: 4, thinkTime: { mean: "1s" } };
    expect(play(open({ clients: [{ ...chat, session, requests: 30 }] }), 3600e6, () => ({ after: 10 }))).toHaveLength(
      30,
    );
  });

  it("has one session per member where it is single", () => {
    const session = { rounds: 3, thinkTime: { mean: "1s" }, single: true };
    const done = play(open({ clients: [{ ...chat, members: 4, session }] }), 3600e6, () => ({ after: 10 }));
    expect(done).toHaveLength(12);
    expect(new Set(done.map(({ request }) => request.session))).toEqual(
      new Set(["chat-0/0", "chat-1/0", "chat-2/0", "chat-3/0"]),
    );
  });
});

describe("workers", () => {
  const { rate: _, ...unrated } = chat;
  const workers = (thinkTime: string, count = 5) => ({ clients: [{ ...unrated, workers: { count, thinkTime } }] });

  it("have one request each at a time, for ever", () => {
    const done = play(open(workers("2s")), 60e6, () => ({ after: 3e6 }));
    for (const { request } of done) {
      const running = done.filter(
        ({ request: { arrival }, endAt }) => arrival <= request.arrival && endAt > request.arrival,
      );
      expect(running.length).toBeLessThanOrEqual(5);
    }
    // 5 workers, 5 s each; those that start later than others end later.
    expect(done.length).toBeGreaterThanOrEqual(55);
    expect(done.length).toBeLessThanOrEqual(60);
    expect(new Set(done.map(({ request: { id } }) => id)).size).toBe(done.length);
  });

  it("start staggered over the think time, and draw the same however long requests take", () => {
    const starts = take(open(workers("10s")), 9);
    expect(starts.map(({ arrival }) => arrival)).toEqual([0, 2e6, 4e6, 6e6, 8e6]);
    const drawn = (after: number) =>
      play(open(workers("0s", 1)), after * 40, () => ({ after })).map(({ request }) => request.promptTokens);
    expect(drawn(9e6)).toEqual(drawn(1e6));
  });

  it("pause for a second after a failure, so that time goes on", () => {
    const done = play(open(workers("0s", 1)), 10e6, () => ({ after: 0, outcome: "unroutable" }));
    expect(done.map(({ endAt }) => endAt)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((at) => at * 1e6));
  });
});

describe("a client that retries", () => {
  const retry = { attempts: 3, base: "1s", factor: 2, jitter: 0 };

  it("sends the same again, later and later, then gives up", () => {
    const source = open({ clients: [{ ...chat, requests: 1, timeout: "30s", retry }] });
    const done = play(source, 3600e6, () => ({ after: 100, outcome: "overloaded" }));
    const [first, second, third] = done.map(({ request }) => request) as [Request, Request, Request];
    expect(done).toHaveLength(3);
    expect([second.attempt, third.attempt]).toEqual([2, 3]);
    expect(second.arrival).toBe(first.arrival + 100 + 1e6);
    expect(third.arrival).toBe(second.arrival + 100 + 2e6);
    expect((second.deadline ?? 0) - second.arrival).toBe(30e6);
    for (const again of [second, third]) {
      expect(again).toEqual({
        ...first,
        id: again.id,
        arrival: again.arrival,
        deadline: again.deadline,
        attempt: again.attempt,
      });
    }
    expect(source.retried).toBe(2);
  });

  it.each<[Outcome, number]>([
    ["overloaded", 3],
    ["shed", 3],
    ["unroutable", 3],
    ["aborted", 3],
    ["timed-out", 3],
    ["rejected", 1],
    ["stop", 1],
    ["length", 1],
  ])("does so after %s: %i tries", (outcome, tries) => {
    const source = open({ clients: [{ ...chat, requests: 1, retry }] });
    expect(play(source, 3600e6, () => ({ after: 1, outcome }))).toHaveLength(tries);
  });

  it("does so only after what it was told", () => {
    const said = { clients: [{ ...chat, requests: 1, retry: { ...retry, after: ["shed"] } }] };
    expect(play(open(said), 3600e6, () => ({ after: 1, outcome: "aborted" }))).toHaveLength(1);
  });

  it("goes on with its session where a retry is answered", () => {
    const session = { rounds: 2, thinkTime: { mean: "5s" }, single: true };
    const source = open({ clients: [{ ...chat, session, retry }] });
    const done = play(source, 3600e6, ({ attempt }) => ({
      after: 1,
      outcome: attempt === undefined ? "shed" : "stop",
    }));
    const [, second, third, fourth] = done as [Ended, Ended, Ended, Ended];
    expect(done.map(({ request: { attempt } }) => attempt)).toEqual([undefined, 2, undefined, 2]);
    expect(third.request.arrival).toBe(second.endAt + 5e6);
    expect(third.request.promptTokens).toBeGreaterThan(second.request.promptTokens + 4);
    expect(fourth.request.promptTokens).toBe(third.request.promptTokens);
  });

  it("law: retries are bounded, ids are their own, waits lie within the jitter, and nothing is held in the end", () =>
    forAllSeeds(20, (rng, seed) => {
      const attempts = 2 + rng.below(4);
      const jitter = rng.next();
      const source = open(
        {
          clients: [
            {
              ...chat,
              prompt: { distribution: "uniform" },
              requests: 40,
              retry: { attempts, base: "2s", factor: 1, jitter },
            },
          ],
        },
        seed,
      );
      const ends = new Map<string, number>();
      const done = play(source, 1e12, () => ({ after: 50, outcome: rng.next() < 0.5 ? "shed" : "stop" }));
      expect(new Set(done.map(({ request: { id } }) => id)).size).toBe(done.length);
      for (const { request, endAt } of done) {
        const { attempt = 1, promptTokens, arrival } = request;
        expect(attempt).toBeLessThanOrEqual(attempts);
        const before = ends.get(`${promptTokens}/${attempt - 1}`);
        if (attempt > 1 && before !== undefined) {
          expect(arrival - before).toBeLessThanOrEqual(2e6);
        }
        if (!ends.has(`${promptTokens}/${attempt}`)) ends.set(`${promptTokens}/${attempt}`, endAt);
      }
      expect(done.filter(({ request: { attempt } }) => attempt !== undefined)).toHaveLength(source.retried ?? 0);
      expect((source as { size?: number }).size).toBe(0);
    }));

  it("leaves the requests as they would be without", () => {
    const bare = (more: object) =>
      take(open({ clients: [{ ...chat, ...more }] }), 50).map(({ arrival, promptTokens }) => [arrival, promptTokens]);
    expect(bare({ retry })).toEqual(bare({}));
  });
});

describe("a client's network", () => {
  const network = { rtt: "40ms", bandwidthMbps: 1 };
  const fast = { ...chat, name: "fast", rate: 50 };

  it("shifts arrivals by half a round trip and the upload, 4 bytes a token", () => {
    const sent = take(open({ clients: [chat] }), 30);
    const came = take(open({ clients: [{ ...chat, network }] }), 30);
    const bySent = [...came].sort((a, b) => (a.path?.sent ?? 0) - (b.path?.sent ?? 0));
    bySent.slice(0, 25).forEach((request, i) => {
      expect(request.path).toEqual({ sent: sent[i]?.arrival, halfTripMicros: 20_000, tokenMicros: 32 });
      expect(request.arrival).toBe((request.path?.sent ?? 0) + 20_000 + 32 * request.promptTokens);
    });
  });

  it("law: requests come in order of arrival, whoever sent them, each once", () =>
    forAllSeeds(10, (_rng, seed) => {
      const said = {
        clients: [
          { ...chat, rate: 30, network: { rtt: "1s", bandwidthMbps: 0.01 }, requests: 100 },
          { ...fast, requests: 100 },
        ],
      };
      const requests = take(open(said, seed), 1000);
      expect(requests).toHaveLength(200);
      expect(requests.every(({ arrival }, i) => arrival >= (requests[i - 1]?.arrival ?? 0))).toBe(true);
      expect(new Set(requests.map(({ id }) => id)).size).toBe(200);
    }));

  it("leaves the waiting to the client: it thinks and hangs up on its own clock", () => {
    const session = { rounds: 2, thinkTime: { mean: "5s" }, single: true };
    const source = open({ clients: [{ ...chat, timeout: "9s", network, session }] });
    const [first, second] = play(source, 3600e6, () => ({ after: 1e6 })) as [Ended, Ended];
    const seen = first.endAt + 20_000 + 32 * 4;
    expect(second.request.path?.sent).toBe(seen + 5e6);
    expect(second.request.arrival).toBe(seen + 5e6 + 20_000 + 32 * second.request.promptTokens);
    expect(second.request.deadline).toBe(seen + 5e6 + 9e6 + 20_000);
  });

  it("is part of what the client sees, and nothing where there is none", () => {
    const finished = (request: Request) => ({
      request,
      outcome: "stop" as const,
      queued: request.arrival,
      scheduled: request.arrival,
      firstToken: instant(request.arrival + 100_000),
      end: instant(request.arrival + 500_000),
      outputTokens: 4,
      cachedTokens: 0,
      preemptions: 0,
    });
    const [slow] = take(open({ clients: [{ ...chat, network }] }), 1) as [Request];
    expect(clientView(finished(slow))).toEqual({
      sent: slow.path?.sent,
      ttftMicros: 100_000 + 40_000 + 32 * slow.promptTokens,
      e2eMicros: 500_000 + 40_000 + 32 * (slow.promptTokens + 4),
    });
    const [near] = take(open({ clients: [chat] }), 1) as [Request];
    expect(clientView(finished(near))).toEqual({ sent: near.arrival, ttftMicros: 100_000, e2eMicros: 500_000 });
  });
});

describe("InstantHeap", () => {
  it("law: gives entries in order, whatever was pushed, popped or moved", () =>
    forAllSeeds(20, (rng) => {
      const heap = new InstantHeap<{ at: number; rank: number }>();
      const model: { at: number; rank: number }[] = [];
      for (let i = 0; i < 100; i += 1) {
        model.sort((a, b) => a.at - b.at || a.rank - b.rank);
        expect(heap.first).toEqual(model[0]);
        const what = rng.below(3);
        if (what === 0 || model.length === 0) {
          const entry = { at: rng.below(20), rank: i };
          heap.push(entry);
          model.push(entry);
        } else if (what === 1) expect(heap.pop()).toEqual(model.shift());
        else {
          (heap.first as { at: number }).at += rng.below(5);
          heap.settle();
        }
      }
      expect(heap.size).toBe(model.length);
    }));
});
