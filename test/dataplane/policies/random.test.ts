import { expect, it } from "vitest";
import { random } from "../../../src/dataplane/policies/random.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { anyHead, withWaiting } from "./endpoints.ts";

it("picks independently of who was picked before", () => {
  const policy = random.create({}, { rng: rngOf(1).stream("gateway") });
  const endpoints = withWaiting(0, 50, 0, 9);
  const pairs = new Array(16).fill(0);
  let before = policy.pick(anyHead, endpoints, anyHead.arrival);
  for (let i = 0; i < 16_000; i += 1) {
    const now = policy.pick(anyHead, endpoints, anyHead.arrival);
    pairs[before * 4 + now] += 1;
    before = now;
  }
  // Binomial(16000, 1/16): deviation 30.6.
  for (const count of pairs) expect(Math.abs(count - 1000)).toBeLessThan(5 * 30.6);
});
