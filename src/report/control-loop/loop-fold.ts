import type { Fact, SyncFact, SyncMetric } from "../../model/fact.ts";
import type { SimTime } from "../../sim/time.ts";
import type { LoopEvidence } from "../finding-rule.ts";
import { Level } from "../level.ts";
import type { LoopKpis } from "../report.ts";
import { summaryOf } from "../summary.ts";
import type { LoopSetup } from "./loop-setup.ts";
import { MetricEvidence } from "./metric-evidence.ts";
import { Reaction } from "./reaction.ts";
import { ScaleCourse } from "./scale-course.ts";
import { StartUps } from "./start-ups.ts";
import { SyncLog, type SyncTimeline } from "./sync-log.ts";
import { Writers } from "./writers.ts";

/** Folds what one autoscaler and the pods of its workload told. */
export class LoopFold {
  readonly setup: LoopSetup;
  readonly #metrics: readonly MetricEvidence[];
  readonly #startUps = new StartUps();
  readonly #writers = new Writers();
  readonly #warmUp: SimTime;
  readonly #reaction: Reaction;
  readonly #course: ScaleCourse;
  readonly #log = new SyncLog();
  readonly #cut: Level;
  readonly #holding: Level;
  readonly #holders = new Set<string>();
  /** Pods still to be stopped for scale-downs that were told, and those that were. */
  #owed = 0;
  readonly #leaving = new Set<string>();
  #aborted = 0;
  #proposalMax = 0;

  constructor(setup: LoopSetup, warmUp: SimTime) {
    this.setup = setup;
    this.#metrics = setup.metrics.map(({ field, query }) => new MetricEvidence(field, query));
    this.#warmUp = warmUp;
    this.#reaction = new Reaction(warmUp);
    this.#course = new ScaleCourse(warmUp, { min: setup.minReplicas, max: setup.maxReplicas });
    this.#cut = new Level(warmUp);
    this.#holding = new Level(warmUp);
  }

  /** The replicas that its workload's spec says now. */
  look(specReplicas: number, at: SimTime): void {
    this.#course.begin(specReplicas, at);
  }

  synced(sync: SyncFact, at: SimTime): void {
    this.#log.told(sync, at);
    this.#cut.set(sync.limitedBy === "TooManyReplicas" ? 1 : 0, at);
    if (at >= this.#warmUp) this.#proposalMax = Math.max(this.#proposalMax, sync.proposal ?? 0);
    for (const [i, metric] of sync.metrics.entries()) this.#metrics[i]?.told(metric, sync.currentReplicas);
    const known = sync.metrics.filter((metric) => truthOf(metric) !== undefined);
    if (known.length > 0) {
      this.#reaction.sync(
        known.some((metric) => (truthOf(metric) as number) > metric.target * (1 + this.setup.toleranceUp)),
        at,
      );
    }
  }

  scaled({ from, to, by }: Extract<Fact, { kind: "scaled" }>, at: SimTime): void {
    this.#course.scaled(from, to, at);
    this.#writers.wrote(by, to > from ? "up" : "down", at);
    this.#owed = Math.max(0, this.#owed + from - to);
  }

  pod({ pod, phase }: Extract<Fact, { kind: "pod" }>, at: SimTime): void {
    this.#startUps.pod(pod, phase, at);
    if (phase === "pending") this.#reaction.created(pod);
    if (phase === "ready") this.#reaction.ready(pod, at);
    if (phase === "terminating" && this.#owed > 0) {
      this.#owed -= 1;
      this.#leaving.add(pod);
    }
    if (phase === "gone") {
      this.#reaction.gone(pod);
      this.#leaving.delete(pod);
    }
    this.#hold(pod, phase, at);
  }

  /** A stream was cut since its pod went away. */
  aborted(pod: string, end: SimTime): void {
    if (end >= this.#warmUp && this.#leaving.has(pod)) this.#aborted += 1;
  }

  kpis(now: SimTime): LoopKpis {
    const hours = Math.max(0, now - this.#warmUp) / 3600e6;
    const replicaHours = this.#holding.area(now) / 3600;
    return {
      workload: this.setup.workload,
      reactionSeconds: summaryOf(this.#reaction.seconds),
      crossingsUnanswered: this.#reaction.unanswered + (this.#reaction.isOpen ? 1 : 0),
      overshootReplicas: this.#course.overshoot,
      proposalMax: this.#proposalMax,
      reversals: this.#course.reversals,
      flapsPerHour: hours === 0 ? 0 : this.#course.reversals / hours,
      secondsAtMin: this.#course.secondsAtMin(now),
      secondsAtMax: this.#course.secondsAtMax(now),
      secondsCutByMax: this.#cut.area(now),
      replicaHours,
      gpuHours: replicaHours * this.setup.gpusPerReplica,
      startUpSeconds: summaryOf(this.#startUps.seconds),
      streamsAbortedAtScaleIn: this.#aborted,
    };
  }

  /** @param suffering whether requests suffered in the run */
  evidence(now: SimTime, suffering: boolean): LoopEvidence {
    return {
      setup: this.setup,
      kpis: this.kpis(now),
      metrics: this.#metrics,
      quarrels: this.#writers.quarrels,
      suffering,
    };
  }

  timeline(): SyncTimeline {
    const { autoscaler, workload } = this.setup;
    return { autoscaler, workload, ...this.#log.timeline() };
  }

  /** From being scheduled until gone, as in the report's replica-hours. */
  #hold(pod: string, phase: Extract<Fact, { kind: "pod" }>["phase"], at: SimTime): void {
    if (phase === "pulling" || phase === "starting" || phase === "ready") this.#holders.add(pod);
    if (phase === "gone") this.#holders.delete(pod);
    this.#holding.set(this.#holders.size, at);
  }
}

/** What the metric truly was; where that isn't known, what was seen. */
const truthOf = ({ truth, seen }: SyncMetric): number | undefined => truth ?? seen;
