import type { Problem } from "../model/problem.ts";
import type { Limits } from "../schema/limits.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import { type ObjectEvent, type ObjectRef, type Store, type StoredObject, StoreError } from "../store/store.ts";
import { digestOf } from "../twin/digest.ts";
import type { Scenario } from "../twin/scenario.ts";
import { type PreviewPool, RunFailure } from "../worker/pool.ts";
import type { PreviewResult, PreviewTask, ShadowPulse, ShadowSnapshot } from "../worker/protocol.ts";
import { Room } from "../worker/remote-write/push.ts";
import type { ShadowHost, ShadowNews } from "../worker/shadow-host.ts";
import { boundedStatus } from "./bounded-status.ts";
import { AutoCalibration, UNANSWERED_SECONDS } from "./calibration/auto-calibration.ts";
import { calibrationEvent } from "./calibration/condition.ts";
import { withFound } from "./calibration/fitted-spec.ts";
import { doingOf, emptyHeld, type Held, type HeldPreview } from "./held.ts";
import { keyOf, refOfKey } from "./key.ts";
import type { Outcome } from "./outcome.ts";
import { type Plan, planOf, type Wanted } from "./plan.ts";
import { tokenFileFor, type UrlToken } from "./production-traffic.ts";
import { MOST_PENDING_SAMPLES, pushedBefore, pushedSeriesOf, pushOf, remoteWriteProblems } from "./push.ts";
import { type Quota, quotaProblem } from "./quota.ts";
import { read } from "./read.ts";
import { keepReport } from "./report-map/keep-report.ts";
import type { ReportMaps } from "./report-map/report-maps.ts";
import { NO_SPAN, type Span, traced } from "./span.ts";
import { sameStatus, statusOf } from "./status.ts";
import { carryOutSweep, restoreSweep } from "./sweep/carry-out.ts";
import { jobProblems, type SweepJobs } from "./sweep/sweep-jobs.ts";
import { sweepProblems } from "./sweep/swept-parameters.ts";
import { transitionOf } from "./transition.ts";

export interface ReconcilerParts {
  readonly store: Store;
  readonly pool: PreviewPool;
  readonly shadows: ShadowHost;
  readonly limits: Limits;
  readonly quota: Quota;
  readonly allowedUrls: readonly string[];
  readonly mirrorNamespaces: readonly string[];
  /** Files with tokens for the Prometheus of production. Left out: none. */
  readonly tokens?: readonly UrlToken[];
  /** How long a run may have no figures before its status says that it runs. Left out: 1. */
  readonly quietSeconds?: number;
  /** Runs that one sweep has in the pool's line at once. */
  readonly sweepRuns: number;
  /** Left out: there is no cluster for Jobs, and sweeps that ask for them run on threads. */
  readonly sweepJobs?: SweepJobs;
  /** Left out: there is no cluster for ConfigMaps. */
  readonly reports?: ReportMaps;
  /** Asks for another reconcile of the key soon. */
  readonly enqueue: (ref: ObjectRef) => void;
  readonly now: () => Date;
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  /** A status was refused for good. */
  readonly refused?: () => void;
  /** Wall-clock seconds that a preview took. */
  readonly previewTook?: (seconds: number) => void;
  /** Samples were sent by remote write, refused or dropped. */
  readonly pushed?: (what: "sent" | "failed" | "dropped", samples: number) => void;
}

/** Most previews are done by then, and every Shadow has begun; a status costs an API server more than such a preview costs us. */
const QUIET_SECONDS = 1;
/** How often the status of a running shadow is written. */
const SHADOW_STATUS_SECONDS = 30;
/** How often traces and configurations that nothing watches are looked at again. */
const TRACE_LOOK_SECONDS = 30;

/** Brings one simulation at a time to what its object says. Never waits for a run: its end asks for another reconcile. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #held = new Map<string, Held>();
  readonly #room = new Room(MOST_PENDING_SAMPLES);
  /** Events under way. */
  readonly #telling = new Set<Promise<void>>();
  readonly #calibration: AutoCalibration;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#calibration = new AutoCalibration({ ...parts, changed: (key) => parts.enqueue(refOfKey(key)) });
  }

  /** What is held of each simulation, for metrics, API and page. */
  get held(): ReadonlyMap<string, Held> {
    return this.#held;
  }

  /** Samples that wait for receivers. */
  get pendingSamples(): number {
    return this.#room.taken;
  }

  async reconcile(ref: ObjectRef, span: Span = NO_SPAN): Promise<Outcome> {
    const key = keyOf(ref);
    const stored = this.#parts.store.get(ref);
    const held = this.#held.get(key) ?? emptyHeld(key);
    this.#held.set(key, held);
    const wanted = await traced(span, "mirror", () => this.#readInto(held, stored));
    // Leadership may have been lost meanwhile: whoever doesn't lead begins nothing.
    if (this.#held.get(key) !== held || held.interrupted) return { kind: "settled" };
    const plan = planOf(wanted, doingOf(held), recordedOf(stored));
    span.set({ "servetwin.plan": plan.kind });
    this.#carryOut(plan, ref, held, wanted);
    if (stored !== undefined && wanted.kind !== "nothing") this.#calibration.begin(held, stored);
    if (stored === undefined) {
      this.#calibration.stop(held);
      this.#held.delete(key);
      return { kind: "settled" };
    }
    const kept = await traced(span, "keep report", () =>
      keepReport(stored, held, this.#parts.reports, this.#parts.now()),
    );
    if (this.#held.get(key) !== held || held.interrupted) return { kind: "settled" };
    if (kept === undefined) delete held.report;
    else held.report = kept;
    return this.#tellStatus(ref, stored, held, plan, span);
  }

  /** A message from the thread of the paced worlds. */
  shadowTold(message: ShadowNews): void {
    const shadow = this.#held.get(message.key)?.shadow;
    if (shadow === undefined) return;
    // An autoscaler that reads /scale must find its own doing there, as soon as in a Deployment's.
    const { snapshot: before } = shadow;
    switch (message.kind) {
      case "drawn":
        shadow.families = message.families;
        return;
      case "pulse":
        if (before === undefined) return;
        shadow.snapshot = { ...figuresOf(before), ...message.pulse };
        if (sameNews(before, message.pulse)) return;
        break;
      case "snapshot":
        shadow.snapshot = message.snapshot;
        shadow.loops = message.snapshot.loops ?? shadow.loops;
        if (sameNews(before, message.snapshot)) return;
        break;
      case "restarted":
        delete shadow.snapshot;
        delete shadow.families;
        delete shadow.loops;
        this.#parts.log({ level: "warning", message: "shadow begins anew", simulation: message.key });
        break;
      case "problem":
        shadow.state = "failed";
        shadow.problem = { severity: "error", ...pick(message) };
        this.#parts.log({
          level: "warning",
          message: message.message,
          simulation: message.key,
          reason: message.reason,
        });
        break;
      default:
        return message satisfies never;
    }
    this.#parts.enqueue(refOfKey(message.key));
  }

  /** Stops every run and forgets all: when leadership is lost, or at the end. */
  stopAll(): void {
    for (const held of this.#held.values()) {
      this.#stop(held);
      this.#calibration.stop(held);
    }
    this.#held.clear();
  }

  /** Cancels every run, and says so in the status of what it was for: at the end, while this one still leads. */
  async interrupt(): Promise<void> {
    await Promise.all(
      [...this.#held.values()].map(async (held) => {
        const awaits = held.calibration?.awaited === true;
        const ran = held.preview?.state === "running" || held.shadow?.state === "following" || awaits;
        held.interrupted = true;
        held.preview?.abort.abort();
        held.calibration?.running?.abort();
        const ref = refOfKey(held.key);
        const stored = this.#parts.store.get(ref);
        if (ran && held.preview?.restore !== true && stored !== undefined)
          await this.#write(ref, stored, held).catch((error: unknown) => this.#refused(held, error));
      }),
    );
    await Promise.all(this.#telling);
  }

  // ---- what is wanted

  async #readInto(held: Held, stored: StoredObject | undefined): Promise<Wanted> {
    held.reading = true;
    try {
      return await this.#read(stored, held);
    } finally {
      held.reading = false;
    }
  }

  async #read(stored: StoredObject | undefined, held: Held): Promise<Wanted> {
    if (stored === undefined || stored.object.metadata.deletionTimestamp !== undefined) return { kind: "nothing" };
    const { namespace = "default" } = stored.object.metadata;
    const siblings = this.#parts.store.list("InferenceSimulation", namespace);
    const beyond = quotaProblem(stored.object, siblings, this.#parts.quota);
    if (beyond !== undefined) {
      held.problems = [beyond];
      return { kind: "broken", problems: held.problems };
    }
    this.#calibration.recall(held, stored);
    const fitted = held.calibration?.found;
    const calibrated = withFound(stored, fitted);
    const found = await read(calibrated, { ...this.#parts, lastPages: held.lastPages, lastTraffic: held.lastTraffic });
    if (!found.ok) {
      held.problems = found.problems.filter((problem) => problem.severity === "error");
      return { kind: "broken", problems: held.problems };
    }
    const { simulation, scenario, candidates } = found.value;
    const { store, sweepJobs, allowedUrls, tokens = [] } = this.#parts;
    const wrong = [
      ...sweepProblems(calibrated, found.value, store),
      ...jobProblems(simulation, scenario, sweepJobs),
      ...remoteWriteProblems(simulation, scenario, allowedUrls, tokens),
    ];
    if (wrong.length > 0) {
      held.problems = wrong;
      return { kind: "broken", problems: wrong };
    }
    held.stored = calibrated;
    held.simulation = simulation;
    held.scenario = scenario;
    held.candidates = candidates.map((candidate) => candidate.scenario);
    held.mirrored = found.value.values;
    held.reads = found.value.reads;
    held.warnings = found.warnings;
    held.problems = [];
    this.#calibration.heed(held, stored, found.value, fitted);
    if (held.calibration?.awaited) return { kind: "calibrated-first" };
    return wantedOf(simulation, scenario, held.candidates);
  }

  // ---- what is done about it

  #carryOut(plan: Plan, ref: ObjectRef, held: Held, wanted: Wanted): void {
    switch (plan.kind) {
      case "rest":
        return;
      case "stop":
        return this.#stop(held);
      case "run-preview":
        return this.#runPreview(ref, held, (wanted as Extract<Wanted, { kind: "preview" }>).inputDigest, plan.restore);
      case "follow":
        return this.#follow(held, wanted as Extract<Wanted, { kind: "shadow" }>);
      case "scale":
        return this.#scale(held, plan.replicas);
      default:
        return plan satisfies never;
    }
  }

  #stop(held: Held): void {
    held.preview?.abort.abort();
    delete held.preview;
    if (held.shadow !== undefined) this.#parts.shadows.send({ kind: "stop", key: held.key });
    delete held.shadow;
  }

  #runPreview(ref: ObjectRef, held: Held, inputDigest: string, restore: boolean): void {
    const before = held.preview?.reports ?? [];
    this.#stop(held);
    const { simulation, scenario } = held;
    if (simulation === undefined || scenario === undefined) return;
    const preview: HeldPreview = {
      inputDigest,
      restore,
      abort: new AbortController(),
      beganMillis: performance.now(),
      state: "running",
      progress: [],
      // Those of the run it replaces stay on show until it is done.
      reports: before,
    };
    held.preview = preview;
    this.#beginPush(ref, held, preview);
    void this.#replicate(preview, simulation, [scenario, ...held.candidates])
      .then(() => this.#sweep(ref, held, preview))
      .then(
        () => this.#parts.enqueue(ref),
        (error: unknown) => {
          if (preview.abort.signal.aborted) return;
          // One run of many has failed: the others would be for nothing.
          preview.abort.abort();
          const { message, stack } = error as Error;
          this.#fail(preview, error instanceof RunFailure ? pick(error) : { reason: "InternalError", message });
          this.#parts.log({ level: "error", message: "preview failed", simulation: held.key, error: stack });
          this.#parts.enqueue(ref);
        },
      );
  }

  /** Its series are pushed as they come, unless that was done already. */
  #beginPush(ref: ObjectRef, { simulation, stored }: Held, preview: HeldPreview): void {
    if (simulation === undefined) return;
    if (preview.restore && pushedBefore(stored?.object.status as SimulationStatus | undefined)) return;
    const push = pushOf(simulation, this.#parts.tokens ?? [], {
      room: this.#room,
      signal: preview.abort.signal,
      changed: () => this.#parts.enqueue(ref),
      counted: (what, samples) => this.#parts.pushed?.(what, samples),
    });
    if (push !== undefined) preview.push = push;
  }

  async #replicate(
    preview: HeldPreview,
    simulation: InferenceSimulation,
    scenarios: readonly Scenario[],
  ): Promise<void> {
    const { push } = preview;
    const began = this.#parts.now().getTime();
    const { maxTraceBytes } = this.#parts.limits;
    const runs = scenarios.flatMap((scenario) =>
      Array.from({ length: simulation.spec.run.replications }, (_, i) => ({
        scenario: { ...scenario, seed: scenario.seed + i },
        bands: i === 0,
        isRepeat: preview.restore,
        // As on /metrics: of each scenario the first.
        ...(push === undefined || i > 0 ? {} : recordedPart(simulation, scenario)),
      })),
    );
    const results = await Promise.all(
      runs.map((run, i) =>
        this.#parts.pool.run(
          { ...run, maxTraceBytes },
          preview.abort.signal,
          (progress) => {
            preview.progress[i] = progress;
          },
          push !== undefined && "recorded" in run ? (batch) => push.give(batch) : undefined,
        ),
      ),
    );
    push?.end();
    const problem = results.find((result) => result.kind === "problem");
    if (problem !== undefined) return this.#fail(preview, pick(problem));
    preview.reports = results.map((result) => (result as Extract<PreviewResult, { kind: "report" }>).report);
    this.#parts.previewTook?.((this.#parts.now().getTime() - began) / 1000);
  }

  /** What is asked for beside the runs themselves. */
  async #sweep(ref: ObjectRef, held: Held, preview: HeldPreview): Promise<void> {
    if (preview.state === "failed") return;
    const { lastPages, lastTraffic } = held;
    const parts = { ...this.#parts, lastPages, lastTraffic, changed: () => this.#parts.enqueue(ref) };
    if (preview.restore) {
      preview.state = "finished";
      parts.changed();
      return restoreSweep(held, preview, parts);
    }
    const problem = await carryOutSweep(held, preview, parts);
    if (preview.abort.signal.aborted) return;
    if (problem !== undefined) this.#fail(preview, problem);
    else preview.state = "finished";
  }

  #fail(preview: HeldPreview, problem: Pick<Problem, "reason" | "message" | "fix">): void {
    preview.state = "failed";
    preview.reports = [];
    // What it exported so far is not held against it.
    preview.push?.end();
    delete preview.push;
    preview.problem = { severity: "error", ...problem };
  }

  #follow(held: Held, wanted: Extract<Wanted, { kind: "shadow" }>): void {
    this.#stop(held);
    const { simulation, scenario } = held;
    if (simulation === undefined || scenario === undefined) return;
    const beganMillis = performance.now();
    held.shadow = { inputDigest: wanted.inputDigest, beganMillis, scale: undefined, state: "following" };
    const { maxTraceBytes } = this.#parts.limits;
    this.#parts.shadows.send({
      kind: "start",
      key: held.key,
      scenario,
      speed: simulation.spec.run.speed,
      maxTraceBytes,
      ...this.#tokenOf(scenario),
    });
    if (wanted.scale !== undefined) this.#scale(held, wanted.scale);
  }

  #tokenOf({ traffic }: Scenario): { readonly tokenFile?: string } {
    const file = traffic.kind === "live" ? tokenFileFor(traffic.url, this.#parts.tokens ?? []) : undefined;
    return file === undefined ? {} : { tokenFile: file };
  }

  #scale(held: Held, replicas: number): void {
    const workload = held.scenario?.workloads[0]?.name;
    if (held.shadow === undefined || workload === undefined) return;
    held.shadow.scale = replicas;
    this.#parts.shadows.send({ kind: "scale", key: held.key, workload, replicas, by: "scale subresource" });
  }

  // ---- what is told

  async #tellStatus(ref: ObjectRef, stored: StoredObject, held: Held, plan: Plan, span: Span): Promise<Outcome> {
    const afterSeconds = quietFor(held, stored, this.#parts.quietSeconds ?? QUIET_SECONDS);
    if (afterSeconds > 0) return { kind: "again", afterSeconds, why: "it may have its figures by then" };
    try {
      await this.#write(ref, stored, held, span);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.kind === "gone") return { kind: "settled" };
      if (error.kind === "retry") {
        const afterSeconds = error.retryAfterSeconds;
        return afterSeconds === undefined
          ? { kind: "retry", cause: error }
          : { kind: "again", afterSeconds, why: "the API server asked to wait" };
      }
      this.#refused(held, error);
    }
    return this.#whenAgain(held, plan);
  }

  async #write(ref: ObjectRef, stored: StoredObject, held: Held, span: Span = NO_SPAN): Promise<void> {
    const before = stored.object.status as SimulationStatus | undefined;
    const status = boundedStatus(statusOf(held, stored.object.metadata.generation ?? 1, before, this.#parts.now()));
    if (sameStatus(before, status)) return;
    await traced(span, "write status", () => this.#parts.store.writeStatus(ref, status));
    const transition = transitionOf(before, status, held);
    for (const event of [transition, calibrationEvent(before, status)]) {
      if (event === undefined) continue;
      this.#parts.log({ level: "info", message: event.message, simulation: held.key, reason: event.reason });
      this.#tell(ref, event);
    }
  }

  /** People are told one thing after the other; whoever looks at simulations doesn't wait for it. */
  #tell(ref: ObjectRef, event: ObjectEvent): void {
    const telling = this.#parts.store.event(ref, event).finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  #refused(held: Held, error: unknown): void {
    const { message } = error as Error;
    this.#parts.refused?.();
    this.#parts.log({ level: "error", message: "status refused", simulation: held.key, error: message });
  }

  /** What nothing watches is looked at again. */
  #whenAgain(held: Held, plan: Plan): Outcome {
    if (plan.kind === "stop" && held.problems.some(({ reason }) => UNWATCHED.includes(reason))) return traceAgain;
    if (held.problems.some(({ object }) => object?.startsWith("ConfigMap/"))) return configAgain;
    if (held.calibration?.awaited && held.calibration.running === undefined) return calibrateAgain;
    if (held.preview?.push?.state.done === false) return pushAgain;
    const { again } = held.report ?? {};
    if (again !== undefined) {
      const { afterSeconds } = again;
      return afterSeconds === undefined
        ? { kind: "retry", cause: held.report?.condition.message }
        : { kind: "again", afterSeconds, why: "its report is not where it should be yet" };
    }
    if (held.shadow !== undefined) return { kind: "again", afterSeconds: SHADOW_STATUS_SECONDS, why: "shadow status" };
    const { trace, profile } = held.simulation?.spec.workload ?? {};
    if (trace !== undefined || profile?.path !== undefined || profile?.configMap !== undefined) return traceAgain;
    if (held.scenario?.gateway.kind === "epp") return configAgain;
    const page = held.simulation?.spec.overrides.engine?.metricsPage;
    if (page !== undefined && page.inline === undefined) return pageAgain;
    return { kind: "settled" };
  }
}

/** For how long the status may stay as it is: what was begun has no figures yet, and those that it has are of this very generation. */
const quietFor = (held: Held, { object }: StoredObject, seconds: number): number => {
  const begun = beginning(held);
  const said = (object.status as SimulationStatus | undefined)?.observedGeneration;
  if (begun === undefined || said === undefined || said !== object.metadata.generation) return 0;
  return seconds - (performance.now() - begun.beganMillis) / 1000;
};

/** The run of which nothing is known yet, not by its status either. */
const beginning = ({ preview, shadow }: Held): { readonly beganMillis: number } | undefined => {
  if (preview?.state === "running" && !preview.restore) return preview;
  return shadow?.state === "following" && shadow.snapshot === undefined ? shadow : undefined;
};

/** Whether what others wait for is as it was: replicas, how live traffic stands, and whether it has drifted. */
const sameNews = (before: ShadowPulse | undefined, after: ShadowPulse): boolean =>
  before?.replicas.spec === after.replicas.spec &&
  before.traffic?.kind === after.traffic?.kind &&
  before.drift?.drifted === after.drift?.drifted;

/** Without what a pulse has anew. */
const figuresOf = ({ traffic: _, drift: __, ...figures }: ShadowSnapshot) => figures;

/** What may be put right where no watch sees it. */
const UNWATCHED = [
  "TraceNotFound",
  "ProfileNotFound",
  "PickerConfigNotFound",
  "MetricsPageNotFound",
  "PrometheusUnreachable",
  "PrometheusRefused",
  "PrometheusFailed",
  "NoProductionSeries",
  "TooManySeries",
  "NoLengths",
  "OtherModels",
];

const configAgain: Outcome = {
  kind: "again",
  afterSeconds: TRACE_LOOK_SECONDS,
  why: "the endpoint picker's configuration may change",
};

const calibrateAgain: Outcome = {
  kind: "again",
  afterSeconds: UNANSWERED_SECONDS,
  why: "production could not be asked",
};

const pushAgain: Outcome = { kind: "again", afterSeconds: TRACE_LOOK_SECONDS, why: "series are being pushed" };

const pageAgain: Outcome = {
  kind: "again",
  afterSeconds: TRACE_LOOK_SECONDS,
  why: "the replica's metrics page may change",
};

const traceAgain: Outcome = { kind: "again", afterSeconds: TRACE_LOOK_SECONDS, why: "the trace may change" };

/** Everything the result depends on; what is written through /scale is injected, so it doesn't count. */
const wantedOf = (simulation: InferenceSimulation, scenario: Scenario, candidates: readonly Scenario[]): Wanted => {
  const { mode, run, objectives, sweep, export: exported } = simulation.spec;
  if (mode === "Shadow") {
    return { kind: "shadow", inputDigest: digestOf({ scenario, speed: run.speed }), scale: simulation.spec.replicas };
  }
  const inputs = { scenario, replications: run.replications, objectives };
  // What is pushed depends on how it is exported.
  const pushed = exported.remoteWrite === undefined ? inputs : { ...inputs, export: exported };
  const all = candidates.length === 0 ? pushed : { ...pushed, candidates };
  if (sweep === undefined) return { kind: "preview", inputDigest: digestOf(all) };
  const { job, ...searched } = sweep;
  // Another way to run it begins it anew, as one that failed for want of memory should be; that it may go on doesn't.
  const way = job && { ...job, suspend: undefined };
  return { kind: "preview", inputDigest: digestOf({ ...all, sweep: searched, job: way }) };
};

const recordedOf = (stored: StoredObject | undefined): { inputDigest: string | undefined; finished: boolean } => {
  const status = stored?.object.status as SimulationStatus | undefined;
  const finished = status?.phase === "Succeeded" || (status?.phase === "Failed" && (status.runs ?? []).length > 0);
  return { inputDigest: status?.inputDigest, finished };
};

const recordedPart = (simulation: InferenceSimulation, scenario: Scenario): Pick<PreviewTask, "recorded"> => {
  const recorded = pushedSeriesOf(simulation, scenario);
  return recorded === undefined ? {} : { recorded };
};

const pick = ({ reason, message, fix }: { reason: string; message: string; fix?: string | undefined }) => ({
  reason,
  message,
  ...(fix === undefined ? {} : { fix }),
});
