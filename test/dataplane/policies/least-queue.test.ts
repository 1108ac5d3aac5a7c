import { describe, expect, it } from "vitest";
import { Gateway } from "../../../src/dataplane/gateway.ts";
import { leastQueue } from "../../../src/dataplane/policies/least-queue.ts";
import { type Rng, rngOf } from "../../../src/sim/rng.ts";
import { instant } from "../../../src/sim/time.ts";
import { endpointIn } from "../any.ts";
import { anyHead, withWaiting } from "./endpoints.ts";

const never: Rng = {
  next: () => expect.fail("drew without a tie"),
  below: () => expect.fail("drew without a tie"),
};
const picks = (count: number, queues: number[]): number[] => {
  const policy = leastQueue.create({}, { rng: rngOf(3).stream("gateway") });
  return Array.from({ length: count }, () => policy.pick(anyHead, withWaiting(...queues), anyHead.arrival));
};

describe("least-queue", () => {
  it.each([
    { name: "the only one", queues: [9], picked: 0 },
    { name: "the shortest", queues: [4, 2, 3], picked: 1 },
    { name: "the last, if it is the shortest", queues: [4, 2, 0], picked: 2 },
  ])("picks $name without drawing", ({ queues, picked }) => {
    expect(leastQueue.create({}, { rng: never }).pick(anyHead, withWaiting(...queues), anyHead.arrival)).toBe(picked);
  });

  it("settles ties uniformly among the shortest only", () => {
    const counts = [0, 0, 0, 0, 0];
    for (const picked of picks(9000, [1, 0, 5, 0, 0])) counts[picked] = (counts[picked] ?? 0) + 1;
    expect([counts[0], counts[2]]).toEqual([0, 0]);
    // Binomial(9000, 1/3): deviation 44.7.
    for (const index of [1, 3, 4]) expect(Math.abs((counts[index] ?? 0) - 3000)).toBeLessThan(5 * 44.7);
  });

  it("looks at the waiting queue alone", () => {
    const [busy, idle] = withWaiting(0, 1);
    const loaded = { ...(busy as NonNullable<typeof busy>), running: 256, kvUsage: 1, inFlight: 300 };
    expect(
      leastQueue.create({}, { rng: never }).pick(anyHead, [loaded, idle as NonNullable<typeof idle>], anyHead.arrival),
    ).toBe(0);
  });

  it("herds between scrapes: what it sent there itself does not count", () => {
    const gateway = new Gateway(leastQueue.create({}, { rng: never }));
    for (const [index, name] of ["a", "b"].entries()) {
      gateway.scraped(gateway.join(name), instant(1), { waiting: index, running: 0, kvUsage: 0 });
    }
    expect(Array.from({ length: 20 }, () => gateway.route(anyHead))).toEqual(new Array(20).fill("a"));
    gateway.scraped(endpointIn(gateway, "a"), instant(50_001), { waiting: 20, running: 0, kvUsage: 0 });
    expect(gateway.route(anyHead)).toBe("b");
  });
});
