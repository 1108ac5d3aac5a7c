import type { Condition } from "../controlplane/autoscaler.ts";
import type { ControlLoop } from "../controlplane/control-loop.ts";
import type { ControllerContext } from "../controlplane/controller.ts";
import { controllers } from "../controlplane/controllers/index.ts";
import type { HpaMetric } from "../controlplane/hpa/spec.ts";
import { ActivationLoop } from "../controlplane/keda/activation-loop.ts";
import { ScaledObject } from "../controlplane/keda/scaled-object.ts";
import { MetricsServer, type ReadUsage } from "../controlplane/metrics-server/metrics-server.ts";
import { PrometheusAdapter, readAdapterRules } from "../controlplane/prometheus-adapter/index.ts";
import { invariant } from "../sim/invariant.ts";
import type { Streams } from "../sim/rng.ts";
import { micros, seconds } from "../sim/time.ts";
import { enginePerformance } from "./engine-performance.ts";
import type { AutoscalerScenario, Scenario } from "./scenario.ts";
import { searchRegexp } from "./search-regexp.ts";

/** What controllers see of a world beside Prometheus and the API server. */
export type WorldSight = Pick<ControllerContext, "engines" | "queuedAtPicker">;

/** @returns what KEDA's operator keeps of the ScaledObjects of a world, by their names; those that are driven from outside are none of it */
export const scaledObjectsOf = ({ autoscalers }: Scenario): ReadonlyMap<string, ScaledObject> =>
  new Map(
    autoscalers.flatMap(({ keda, driver }) =>
      keda === undefined || driver === "External" ? [] : [[keda.name, new ScaledObject(keda)] as const],
    ),
  );

/** Whether its HPA stands: KEDA deletes that of a ScaledObject that is paused. */
export const hasHpa = ({ keda }: AutoscalerScenario): boolean => !(keda?.annotations.paused ?? false);

/** prometheus-adapter, where there is one. */
export const adapterOf = ({ metrics: { adapter } }: Scenario): PrometheusAdapter | undefined => {
  if (adapter === undefined) return undefined;
  const rules = readAdapterRules(adapter.config, searchRegexp);
  invariant(rules.ok, "a scenario's adapter has rules that can be read");
  return new PrometheusAdapter(rules.value, {
    relistInterval: micros(adapter.relistIntervalMicros),
    maxAge: micros(adapter.maxAgeMicros),
  });
};

/** metrics-server, where an autoscaler asks for CPU or memory and no adapter answers that. */
export const metricsServerOf = (
  { autoscalers }: Scenario,
  adapter: PrometheusAdapter | undefined,
  read: ReadUsage,
): MetricsServer | undefined => {
  const asking = autoscalers.filter(({ driver, spec }) => driver === "Simulated" && spec.metrics.some(asksForUsage));
  if (asking.length === 0 || adapter?.measuresUsage === true) return undefined;
  return new MetricsServer([...new Set(asking.map(({ workload }) => workload))], read);
};

/** Whether a metric of an HPA is one of metrics.k8s.io. */
export const asksForUsage = ({ type }: HpaMetric): boolean => type === "Resource" || type === "ContainerResource";

/** One for each ScaledObject. @param hpaConditions of its HPA, as they are when it is asked */
export const activationLoopsOf = (
  objects: ReadonlyMap<string, ScaledObject>,
  streams: Streams,
  hpaConditions: (object: ScaledObject) => readonly Condition[],
): readonly ControlLoop[] =>
  [...objects.values()].map((object) => {
    const { namespace, name, pollingIntervalSeconds } = object.spec;
    // KEDA's operator took the object up at some time before the world began.
    const phase = streams.stream(`keda/${namespace}/${name}`).below(seconds(pollingIntervalSeconds));
    return new ActivationLoop(object, { firstAfter: micros(phase), hpaConditions: () => hpaConditions(object) });
  });

/** Who decides about replicas beside the HPAs. */
export const controllersOf = (scenario: Scenario, streams: Streams, sight: WorldSight): readonly ControlLoop[] =>
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
