import { expect, it } from "vitest";
import { roundRobin } from "../../../src/dataplane/policies/round-robin.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { anyHead, withWaiting } from "./endpoints.ts";

it("sends request n to endpoint n mod k, also when k changes", () => {
  const policy = roundRobin.create({}, { rng: rngOf(1).stream("gateway") });
  const [three, two] = [withWaiting(0, 0, 0), withWaiting(0, 9)];
  const picked = [three, three, three, three, two, two, three].map((endpoints) =>
    policy.pick(anyHead, endpoints, anyHead.arrival),
  );
  expect(picked).toEqual([0, 1, 2, 0, 0, 1, 0]);
});
