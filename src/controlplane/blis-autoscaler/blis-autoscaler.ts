import { normal } from "../../sim/draw.ts";
import type { Rng } from "../../sim/rng.ts";
import { after, elapsed, micros, type SimTime, START } from "../../sim/time.ts";
import type { ControlLoop, ControlStep, ControlView } from "../control-loop.ts";
import type { ControllerContext, ControllerTarget } from "../controller.ts";
import { type ScaleWish, wishOf } from "./allocation.ts";
import { analyseTokens, type BlisThresholds } from "./saturation.ts";
import { SignalTimer } from "./signal-timer.ts";

export interface BlisAutoscalerOptions extends BlisThresholds {
  readonly intervalMicros: number;
  readonly scaleUpWindowMicros: number;
  readonly scaleDownWindowMicros: number;
  /** From a decision to its effect. */
  readonly delay: { readonly meanMicros: number; readonly deviationMicros: number };
  /** By accelerator, for the greedy engine; left out: the unlimited one. */
  readonly gpus?: Readonly<Record<string, number>> | undefined;
}

/**
 * The reference simulator's own autoscaler: it looks into the engines at every tick, and what it decides takes effect after a
 * delay that stands for metrics and HPA (BLIS f90a1e3, sim/cluster/autoscaler.go). It knows no bounds but those of the simulation itself: without
 * load it takes the last replica too, and from none it never comes back. Which pods go is the workload's business here; there
 * the oldest goes.
 */
export class BlisAutoscaler implements ControlLoop {
  readonly name: string;
  /** None: it looks into the engines. */
  readonly queries = [];
  readonly firstAfter = micros(0);
  readonly #targets: readonly ControllerTarget[];
  readonly #options: BlisAutoscalerOptions;
  readonly #engines: ControllerContext["engines"];
  readonly #rng: Rng;
  readonly #up: SignalTimer;
  readonly #down: SignalTimer;
  #tickAt: SimTime = START;
  #underWay: { readonly at: SimTime; readonly wishes: readonly ScaleWish[] }[] = [];

  constructor(
    name: string,
    targets: readonly ControllerTarget[],
    options: BlisAutoscalerOptions,
    engines: ControllerContext["engines"],
    rng: Rng,
  ) {
    this.name = name;
    this.#targets = targets;
    this.#options = options;
    this.#engines = engines;
    this.#rng = rng;
    this.#up = new SignalTimer(options.scaleUpWindowMicros);
    this.#down = new SignalTimer(options.scaleDownWindowMicros);
  }

  run(view: ControlView): ControlStep {
    const { now } = view;
    if (now >= this.#tickAt) {
      this.#tick(now);
      this.#tickAt = after(now, micros(this.#options.intervalMicros));
    }
    const due = this.#underWay.filter(({ at }) => at <= now).flatMap(({ wishes }) => wishes);
    this.#underWay = this.#underWay.filter(({ at }) => at > now);
    const wanted = new Map<string, number>();
    for (const { target, delta } of due) {
      const has = wanted.get(target.workload) ?? view.scale(target.workload).specReplicas;
      wanted.set(target.workload, Math.min(Math.max(0, has + delta), target.maxReplicas ?? Number.POSITIVE_INFINITY));
    }
    const next = Math.min(this.#tickAt, ...this.#underWay.map(({ at }) => at)) as SimTime;
    return {
      scales: [...wanted].map(([workload, replicas]) => ({ workload, replicas, reason: "v2-saturation" })),
      againAfter: elapsed(now, next),
    };
  }

  #tick(now: SimTime): void {
    const sights = this.#targets.map((target) => ({ target, engines: this.#engines(target.workload, now) }));
    const models = [...new Set(this.#targets.map(({ model }) => model))].sort();
    const wishes = models.flatMap((model) => {
      const analysis = analyseTokens(
        sights.filter(({ target }) => target.model === model),
        this.#options,
      );
      return wishOf(analysis, this.#freeGpus(sights)) ?? [];
    });
    const named = (some: readonly ScaleWish[]) => new Set(some.map(({ target }) => target.model));
    const mayGrow = this.#up.tick(named(wishes.filter(({ delta }) => delta > 0)), now);
    const mayShrink = this.#down.tick(named(wishes.filter(({ delta }) => delta < 0)), now);
    const passed = wishes.filter(({ target, delta }) => (delta > 0 ? mayGrow : mayShrink)(target.model));
    // Nothing is drawn where nothing passes, so that equal decisions leave equal streams.
    if (passed.length > 0) this.#underWay.push({ at: after(now, micros(this.#delay())), wishes: passed });
  }

  #freeGpus(
    sights: readonly { readonly target: ControllerTarget; readonly engines: readonly unknown[] }[],
  ): ((target: ControllerTarget) => number) | undefined {
    const { gpus } = this.#options;
    if (gpus === undefined) return undefined;
    return ({ accelerator }) => {
      const alike = sights.filter(({ target }) => target.accelerator === accelerator);
      const used = alike.reduce((sum, { target, engines }) => sum + engines.length * target.engine.tensorParallel, 0);
      return Math.max(0, (gpus[accelerator] ?? 0) - used);
    };
  }

  #delay(): number {
    const { meanMicros, deviationMicros } = this.#options.delay;
    if (deviationMicros <= 0) return meanMicros;
    return Math.max(0, Math.trunc(normal(this.#rng, meanMicros, deviationMicros)));
  }
}
