import type { Scenario } from "../../src/twin/scenario.ts";
import { syntheticWorkload } from "../../src/workload/sources/index.ts";

/** Traffic of somebody who comes after twelve days, for worlds whose requests are all injected. */
export const NOBODY: Scenario["traffic"] = {
  kind: "synthetic",
  synthetic: syntheticWorkload.parse({
    clients: [
      {
        name: "nobody",
        rate: 0.000001,
        arrival: { process: "constant" },
        prompt: { distribution: "constant", tokens: 1 },
        output: { distribution: "constant", tokens: 1 },
      },
    ],
  }),
};
