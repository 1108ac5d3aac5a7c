import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type QueueClock, type QueueOptions, WorkQueue } from "../../src/operator/work-queue.ts";

/** Time that goes on when it is told to, and fires what is due on the way, in order. */
class HandClock implements QueueClock {
  #now = 0;
  #timers: { at: number; act: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, act: () => void): () => void {
    const timer = { at: this.#now + milliseconds, act };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  pass(seconds: number): void {
    const until = this.#now + seconds * 1000;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.act();
    }
    this.#now = until;
  }
}

const withClock = (options: Omit<QueueOptions, "clock"> = {}): { queue: WorkQueue; clock: HandClock } => {
  const clock = new HandClock();
  return { queue: new WorkQueue({ ...options, clock }), clock };
};

const next = async (queue: WorkQueue): Promise<string | undefined> => (await queue.next())?.key;

/** What can be taken now, without waiting. */
const takeAll = async (queue: WorkQueue): Promise<string[]> => {
  const taken: string[] = [];
  while (queue.state.depth > 0) taken.push((await next(queue)) as string);
  return taken;
};

describe("WorkQueue", () => {
  it("gives keys in the order they came, each once", async () => {
    const { queue } = withClock();
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(await takeAll(queue)).toEqual(["a", "b", "c"]);
  });

  it("does not give a key that is worked on; when it is done it comes again, once", async () => {
    const { queue } = withClock();
    queue.add("a");
    expect(await next(queue)).toBe("a");
    queue.add("a");
    queue.add("a");
    expect(queue.state.depth).toBe(0);
    queue.done("a");
    expect(await takeAll(queue)).toEqual(["a"]);
    queue.done("a");
    expect(queue.state.depth).toBe(0);
  });

  it("lets those wait who come before there is work", async () => {
    const { queue } = withClock();
    const waiting = [next(queue), next(queue)];
    queue.add("a");
    queue.add("b");
    expect(await Promise.all(waiting)).toEqual(["a", "b"]);
  });

  it("gives what was edited before what is only looked at again", async () => {
    const { queue } = withClock();
    queue.add("a", "resync");
    queue.add("b", "resync");
    queue.add("c");
    queue.add("b");
    queue.add("c", "resync");
    expect(await takeAll(queue)).toEqual(["c", "b", "a"]);
  });

  it("keeps the higher priority of what is added while it is worked on", async () => {
    const { queue } = withClock();
    queue.add("a");
    await next(queue);
    queue.add("x", "resync");
    queue.add("a", "resync");
    queue.add("a", "edit");
    queue.done("a");
    expect(await takeAll(queue)).toEqual(["a", "x"]);
  });

  it("adds after a delay; of several the shortest counts", async () => {
    const { queue, clock } = withClock();
    queue.addAfter("a", 10);
    queue.addAfter("a", 2);
    queue.addAfter("a", 5);
    queue.addAfter("now", 0);
    expect(await takeAll(queue)).toEqual(["now"]);
    clock.pass(1.9);
    expect(queue.state.depth).toBe(0);
    clock.pass(0.2);
    expect(await takeAll(queue)).toEqual(["a"]);
    queue.done("a");
    clock.pass(100);
    expect(queue.state.depth).toBe(0);
  });

  it("forgets a delay when the key is taken before: whoever looks at it says when it comes again", async () => {
    const { queue, clock } = withClock();
    queue.addAfter("a", 10);
    queue.add("a");
    expect(await takeAll(queue)).toEqual(["a"]);
    queue.done("a");
    clock.pass(100);
    expect(queue.state.depth).toBe(0);
    queue.add("a");
    await next(queue);
    queue.addAfter("a", 10);
    queue.done("a");
    clock.pass(10);
    expect(await takeAll(queue)).toEqual(["a"]);
  });

  it("tells of each how urgent it was and how long it waited, delays not counted", async () => {
    const { queue, clock } = withClock();
    queue.addAfter("later", 10);
    clock.pass(10);
    clock.pass(2);
    queue.add("b", "resync");
    clock.pass(1);
    expect(await queue.next()).toEqual({ key: "later", priority: "edit", waitedSeconds: 3 });
    expect(await queue.next()).toEqual({ key: "b", priority: "resync", waitedSeconds: 1 });
  });

  it("waits longer than a timer can", () => {
    const { queue, clock } = withClock();
    const days60 = 60 * 86_400;
    queue.addAfter("a", days60);
    clock.pass(days60 - 1);
    expect(queue.state.depth).toBe(0);
    clock.pass(2);
    expect(queue.state.depth).toBe(1);
  });

  it("doubles the wait with each failure of a key, from 5 ms to the longest, until it is forgotten", async () => {
    const { queue, clock } = withClock({ longestRetrySeconds: 1 });
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      const began = clock.now();
      queue.addAfterFailure("a");
      while (queue.state.depth === 0) clock.pass(0.001);
      waits.push(Math.round(clock.now() - began));
      await next(queue);
      queue.done("a");
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000]);
    expect(queue.failuresOf("a")).toBe(12);
    queue.forget("a");
    queue.addAfterFailure("a");
    clock.pass(0.005);
    expect(queue.state.depth).toBe(1);
  });

  it("has 1000 s as the longest wait by default", () => {
    const { queue, clock } = withClock();
    for (let i = 0; i < 40; i++) {
      queue.addAfterFailure("a");
      clock.pass(1001);
    }
    expect(queue.state.depth).toBe(1);
  });

  it("lets 100 failures through at once, then 10 per second", () => {
    const { queue, clock } = withClock();
    for (let i = 0; i < 150; i++) queue.addAfterFailure(`k${i}`);
    clock.pass(0.006);
    expect(queue.state.depth).toBe(100);
    clock.pass(1);
    expect(queue.state.depth).toBe(110);
    clock.pass(4);
    expect(queue.state.depth).toBe(150);
  });

  it("does not slow what did not fail", () => {
    const { queue } = withClock({ retriesPerSecond: 0.001, retryBurst: 1 });
    for (let i = 0; i < 50; i++) queue.addAfterFailure(`k${i}`);
    for (let i = 0; i < 50; i++) queue.add(`k${i}`);
    expect(queue.state.depth).toBe(50);
  });

  it("gives nothing after it was shut", async () => {
    const { queue, clock } = withClock();
    const waiting = next(queue);
    queue.addAfter("later", 1);
    queue.shutDown();
    expect(await waiting).toBeUndefined();
    queue.add("a");
    clock.pass(2);
    expect(await next(queue)).toBeUndefined();
    expect(queue.state.depth).toBe(0);
  });

  it("tells its state and what happens", async () => {
    const said: string[] = [];
    const { queue, clock } = withClock({
      watch: {
        added: () => said.push("added"),
        retried: () => said.push("retried"),
        took: (seconds) => said.push(`took after ${seconds}`),
        done: (seconds) => said.push(`done after ${seconds}`),
      },
    });
    queue.add("a");
    queue.add("a");
    queue.add("b");
    clock.pass(2);
    await next(queue);
    clock.pass(1);
    await next(queue);
    clock.pass(3);
    expect(queue.state).toMatchObject({ depth: 0, unfinishedSeconds: 7, longestSeconds: 4 });
    queue.done("a");
    queue.addAfterFailure("a");
    expect(said).toEqual(["added", "added", "took after 2", "took after 3", "done after 4", "retried"]);
  });

  it("works with the clock on the wall", async () => {
    const queue = new WorkQueue();
    const began = performance.now();
    queue.addAfter("a", 0.05);
    expect(await next(queue)).toBe("a");
    expect(performance.now() - began).toBeGreaterThanOrEqual(45);
  });
});

describe("laws of the queue", () => {
  const key = fc.constantFrom("a", "b", "c", "d");
  const step = fc.oneof(
    fc.record({ do: fc.constant("add" as const), key, priority: fc.constantFrom("edit" as const, "resync" as const) }),
    fc.record({ do: fc.constant("later" as const), key, seconds: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ do: fc.constant("fail" as const), key }),
    fc.record({ do: fc.constant("take" as const) }),
    fc.record({ do: fc.constant("finish" as const) }),
    fc.record({ do: fc.constant("pass" as const), seconds: fc.integer({ min: 0, max: 3 }) }),
  );

  it("every key that was added is worked on after it was added, and never by two at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { queue, clock } = withClock();
        const owed = new Set<string>();
        const working: string[] = [];
        const take = async (): Promise<void> => {
          const taken = (await next(queue)) as string;
          expect(working).not.toContain(taken);
          working.push(taken);
          owed.delete(taken);
        };
        for (const one of steps) {
          if (one.do === "add") {
            queue.add(one.key, one.priority);
            owed.add(one.key);
          } else if (one.do === "later") {
            queue.addAfter(one.key, one.seconds);
            owed.add(one.key);
          } else if (one.do === "fail") {
            queue.addAfterFailure(one.key);
            owed.add(one.key);
          } else if (one.do === "pass") clock.pass(one.seconds);
          else if (one.do === "take" && queue.state.depth > 0) await take();
          else if (one.do === "finish" && working.length > 0) queue.done(working.shift() as string);
        }
        for (const one of working.splice(0)) queue.done(one);
        clock.pass(2000);
        while (queue.state.depth > 0) {
          await take();
          queue.done(working.pop() as string);
        }
        expect([...owed]).toEqual([]);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
