import { expect, it } from "vitest";
import { controllers } from "../../src/controlplane/controllers/index.ts";
import type { Fact } from "../../src/model/fact.ts";
import { describeProblem } from "../../src/model/problem.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { LlmdEpp } from "./llm-d-epp.ts";
import { chat } from "./scenario-fixture.ts";

it("WVA wakes a workload at zero by what waits in the endpoint picker's flow control", () => {
  const epp = new LlmdEpp();
  epp.configure((config) => {
    config.featureGates = ["flowControl"];
  });
  const mirrored = epp.mirror();
  if (!mirrored.ok) throw new Error(mirrored.problems.map(describeProblem).join("\n"));
  const { scenario } = mirrored.value;
  const [workload] = scenario.workloads;
  if (workload === undefined) throw new Error("the example has a workload");
  const { engine, gpuMemoryUtilization, modelName, name, namespace } = workload;
  const said: Scenario = {
    ...scenario,
    horizonMicros: 60e6,
    workloads: [{ ...workload, replicas: 0 }],
    autoscalers: [],
    traffic: { kind: "synthetic", synthetic: chat(1) },
    controllers: [
      {
        said: controllers.schema.parse({ name: "wva" }),
        targets: [
          {
            name,
            namespace,
            workload: name,
            kind: "annotated",
            model: modelName,
            accelerator: "H100",
            cost: 10,
            gpusPerReplica: 1,
            minReplicas: 0,
            role: "both",
            engine: { ...engine, blockTokens: 16, kvTokens: 1, tensorParallel: 1, gpuMemoryUtilization },
          },
        ],
      },
    ],
  };
  const facts: Fact[] = [];
  const world = new World(said, (fact) => facts.push(fact));
  while (world.next !== undefined) world.step();
  const arrived = facts.find((fact) => fact.kind === "arrived");
  const scaled = facts.filter((fact) => fact.kind === "scaled");
  expect(scaled).toMatchObject([{ from: 0, to: 1, by: expect.stringContaining("/from-zero") }]);
  expect((scaled[0]?.at as number) - (arrived?.at as number)).toBeLessThan(150_000);
});
