import type { Condition } from "../controlplane/autoscaler.ts";
import type { ControlLoop } from "../controlplane/control-loop.ts";
import { ActivationLoop } from "../controlplane/keda/activation-loop.ts";
import { ScaledObject } from "../controlplane/keda/scaled-object.ts";
import type { Streams } from "../sim/rng.ts";
import { micros, seconds } from "../sim/time.ts";
import type { AutoscalerScenario, Scenario } from "./scenario.ts";

/** @returns what KEDA's operator keeps of the ScaledObjects of a world, by their names; those that are driven from outside are none of it */
export const scaledObjectsOf = ({ autoscalers }: Scenario): ReadonlyMap<string, ScaledObject> =>
  new Map(
    autoscalers.flatMap(({ keda, driver }) =>
      keda === undefined || driver === "External" ? [] : [[keda.name, new ScaledObject(keda)] as const],
    ),
  );

/** Whether its HPA stands: KEDA deletes that of a ScaledObject that is paused. */
export const hasHpa = ({ keda }: AutoscalerScenario): boolean => !(keda?.annotations.paused ?? false);

/**
 * The controllers beside the HPAs that act in a world, in the order in which they go where several are due.
 *
 * @param hpaConditions of the HPA of a ScaledObject, as they are when it is asked
 */
export const controlLoopsOf = (
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
