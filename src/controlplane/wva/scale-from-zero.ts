import { micros } from "../../sim/time.ts";
import type { ControlLoop, ControlStep, ControlView } from "../control-loop.ts";
import type { ControllerContext, ControllerTarget } from "../controller.ts";
import type { WantedLast } from "./variant-autoscaler.ts";

const INTERVAL = micros(100_000);

/**
 * Wakes variants that are at zero: every 100 ms it reads the endpoint picker's own metrics page, and one request in its flow
 * control is enough for one replica, written at once (llm-d WVA, internal/engines/scalefromzero). All variants of the model
 * wake.
 */
export class ScaleFromZero implements ControlLoop {
  readonly name: string;
  /** None: it reads the picker's page itself. */
  readonly queries = [];
  readonly firstAfter;
  readonly #targets: readonly ControllerTarget[];
  readonly #queued: ControllerContext["queuedAtPicker"];
  readonly #wantedLast: WantedLast;

  constructor(
    name: string,
    phaseMicros: number,
    targets: readonly ControllerTarget[],
    queued: ControllerContext["queuedAtPicker"],
    wantedLast: WantedLast,
  ) {
    this.name = name;
    this.firstAfter = micros(phaseMicros);
    this.#targets = targets;
    this.#queued = queued;
    this.#wantedLast = wantedLast;
  }

  run(view: ControlView): ControlStep {
    const woken = this.#targets.filter(
      ({ workload, model }) => view.scale(workload).specReplicas === 0 && this.#queued(model, view.now) > 0,
    );
    for (const { name, kind } of woken) if (kind === "crd") this.#wantedLast.set(name, 1);
    const reason = "scalefromzero mode: pending request - scale-up";
    return { scales: woken.map(({ workload }) => ({ workload, replicas: 1, reason })), againAfter: INTERVAL };
  }
}
