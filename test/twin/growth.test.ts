import { describe, expect, it } from "vitest";
import { World } from "../../src/twin/world.ts";
import { caseNamed } from "../bench/cases.ts";
import { leastInTurn } from "../least-in-turn.ts";

/** What a whole world costs as it goes on: CPU time with room for a busy machine, and counts without. */
describe("cost of a world", () => {
  it("is no more per request after ten thousand than after one thousand", () => {
    const late = worldAfter(10_000);
    const [early, after] = leastInTurn(
      6,
      () => takes(worldAfter(1000)),
      () => takes(late),
    );
    expect(after / early).toBeLessThan(2.5);
  });

  it("takes a handful of events per request, be there few requests or many, few replicas or many", () => {
    const perRequest = (name: string, requests: number): number => run(name, requests).events / requests;
    const [few, many, wide] = [perRequest("c", 500), perRequest("c", 3000), perRequest("d", 3000)];
    expect(many / few).toBeLessThan(1.3);
    // Looks at the gauges included: 1440 in any run.
    expect(Math.max(few, many, wide)).toBeLessThan(12);
  });
});

const run = (name: string, requests: number): { readonly events: number } => {
  const world = new World(caseNamed(name));
  return { events: goOn(world, requests) };
};

/** @returns the events until so many requests have arrived */
const goOn = (world: World, arrived: number): number => {
  let events = 0;
  for (; world.arrived < arrived && world.next !== undefined; events += 1) world.step();
  return events;
};

const worldAfter = (requests: number): World => {
  const world = new World(caseNamed("c"));
  goOn(world, requests);
  return world;
};

/** @returns milliseconds of CPU that 500 further requests take */
const takes = (world: World): number => {
  const began = process.cpuUsage();
  goOn(world, world.arrived + 500);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e3;
};
