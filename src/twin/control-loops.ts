import type { ControlLoop } from "../controlplane/control-loop.ts";
import type { ControllerContext } from "../controlplane/controller.ts";
import { controllers } from "../controlplane/controllers/index.ts";
import type { Streams } from "../sim/rng.ts";
import { enginePerformance } from "./engine-performance.ts";
import type { Scenario } from "./scenario.ts";

/** What controllers see of a world beside Prometheus and the API server. */
export type WorldSight = Pick<ControllerContext, "engines" | "queuedAtPicker">;

/** The controllers beside the HPAs that act in a world, in the order in which they go where several are due. */
export const controlLoopsOf = (scenario: Scenario, streams: Streams, sight: WorldSight): readonly ControlLoop[] =>
  (scenario.controllers ?? []).flatMap(({ said, targets }) =>
    controllers.create(said, {
      ...sight,
      name: scenario.simulation,
      targets,
      rng: streams.stream(`controller/${said.name}`),
      performance: (name) => {
        const workload = scenario.workloads.find((one) => one.name === name);
        return workload && enginePerformance(workload);
      },
    }),
  );
