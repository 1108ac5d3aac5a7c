import type { Fact } from "../../src/model/fact.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { NOBODY } from "./nobody.ts";

/** Requests of one length at a Poisson rate that brings about `requests` of them in `seconds`. */
export interface Stage {
  readonly requests: number;
  readonly seconds: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

export interface Measured {
  readonly peakReplicas: number;
  readonly ttftP50Seconds: number;
  readonly ttftP99Seconds: number;
  readonly completed: number;
  /** From the first request to the last token. */
  readonly outputTokensPerSecond: number;
}

/** Sends a stage to a world as a load generator does that waits for the last answer. Prompts have nothing in common. */
export const serve = (scenario: Scenario, stage: Stage): Measured => {
  const { requests, seconds, promptTokens, outputTokens } = stage;
  const ttfts: number[] = [];
  let [open, completed, last] = [requests, 0, 0];
  let peakReplicas = Math.max(...scenario.workloads.map(({ replicas }) => replicas));
  const hear = (fact: Fact): void => {
    switch (fact.kind) {
      case "first-token":
        ttfts.push((fact.at - fact.request.arrival) / 1e6);
        break;
      case "finished":
        open -= 1;
        if (fact.facts.outcome === "length") [completed, last] = [completed + 1, fact.facts.end];
        break;
      case "refused":
        open -= 1;
        break;
      case "scaled":
        peakReplicas = Math.max(peakReplicas, fact.to);
        break;
      default:
    }
  };
  const world = new World({ ...scenario, horizonMicros: undefined, traffic: NOBODY }, hear);
  const rng = rngOf(scenario.seed).stream("anchor/arrivals");
  const rate = requests / seconds;
  const first = 1_000_000;
  let at = first;
  for (let id = 0; id < requests; id += 1) {
    const arrival = instant(at);
    world.inject(arrival, {
      kind: "round-arrived",
      request: { id, arrival, promptTokens, outputTokens, maxTokens: outputTokens },
    });
    at += Math.round((-Math.log(1 - rng.next()) / rate) * 1e6);
  }
  while (open > 0) world.step();
  ttfts.sort((a, b) => a - b);
  return {
    peakReplicas,
    ttftP50Seconds: ttfts[Math.ceil(ttfts.length * 0.5) - 1] ?? 0,
    ttftP99Seconds: ttfts[Math.ceil(ttfts.length * 0.99) - 1] ?? 0,
    completed,
    outputTokensPerSecond: (completed * outputTokens) / ((last - first) / 1e6),
  };
};
