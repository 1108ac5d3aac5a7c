import { describe, expect, it } from "vitest";
import { World } from "../../src/twin/world.ts";
import { caseNamed } from "../bench/cases.ts";

/** What a whole world costs, N against 10 N in one run: CPU time with room for a busy machine, and counts without. */
describe("cost of a world", () => {
  it("grows no faster than its requests", () => {
    run("c", 500);
    const [few, many] = [leastOf(300), leastOf(3000)];
    expect(many / few).toBeLessThan(25);
  });

  it("takes a handful of events per request, be there few requests or many, few replicas or many", () => {
    const perRequest = (name: string, requests: number): number => run(name, requests).events / requests;
    const [few, many, wide] = [perRequest("c", 500), perRequest("c", 3000), perRequest("d", 3000)];
    expect(many / few).toBeLessThan(1.3);
    // Looks at the gauges included: 1440 in any run.
    expect(Math.max(few, many, wide)).toBeLessThan(12);
  });
});

const run = (name: string, requests: number): { readonly ms: number; readonly events: number } => {
  const world = new World(caseNamed(name));
  const began = process.cpuUsage();
  let events = 0;
  for (; world.arrived < requests && world.next !== undefined; events += 1) world.step();
  const { user, system } = process.cpuUsage(began);
  return { ms: (user + system) / 1e3, events };
};

const leastOf = (requests: number): number => Math.min(...Array.from({ length: 2 }, () => run("c", requests).ms));
