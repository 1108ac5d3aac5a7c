import { describe, expect, it } from "vitest";
import { World } from "../../src/twin/world.ts";
import { caseNamed } from "../bench/cases.ts";

/** What a whole world costs as it goes on: CPU time with room for a busy machine, and counts without. */
describe("cost of a world", () => {
  it("is no more per request after ten thousand than after one thousand", () => {
    const world = new World(caseNamed("c"));
    goOn(world, 1000);
    const early = leastOf(world, 4);
    goOn(world, 10_000);
    // What V8 compiles meanwhile can only make it less.
    expect(leastOf(world, 4) / early).toBeLessThan(2.5);
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

/** @returns milliseconds of CPU that 500 further requests took, the least of several times */
const leastOf = (world: World, times: number): number => {
  const took = Array.from({ length: times }, () => {
    const began = process.cpuUsage();
    goOn(world, world.arrived + 500);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1e3;
  });
  return Math.min(...took);
};
