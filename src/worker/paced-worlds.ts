import { bandFamilies, kpiBands } from "../report/bands.ts";
import { familiesOf } from "../report/metrics/index.ts";
import type { KpiBands } from "../report/report.ts";
import type { SimTime } from "../sim/time.ts";
import { bandScenarios, kpiBandRule, wideningNotes } from "../twin/bands.ts";
import type { Scenario } from "../twin/scenario.ts";
import { DriftFollower } from "./drift-follower.ts";
import { type Following, followProduction } from "./follow-production.ts";
import { PacedLane } from "./paced-lane.ts";
import { problemOf } from "./preview.ts";
import type { ShadowCommand, ShadowMessage, ShadowPulse, ShadowSnapshot, TrafficNews } from "./protocol.ts";

interface Paced {
  readonly number: number;
  /** What is told of. */
  readonly middle: PacedLane;
  /** The same at both ends of its step times, for bands; undefined: its latency model doesn't know how uncertain it is. */
  readonly ends: { readonly fast: PacedLane; readonly slow: PacedLane } | undefined;
  /** What widens the bands. */
  readonly notes: readonly string[];
  readonly speed: number;
  /** Wall clock, in milliseconds, at which the world began. */
  readonly began: number;
  /** Unix seconds of the world's start where it keeps the wall clock's pace, for `_created`. */
  readonly startedSeconds: number | undefined;
  told: number;
  figured: number;
  /** As last made; undefined: one of the ends was behind. */
  bands: KpiBands | undefined;
  banded: number;
  looped: number;
  /** Ends the reading of live traffic. */
  readonly stopped: AbortController;
  traffic: TrafficNews | undefined;
  /** Of a world that follows production. */
  readonly drift: DriftFollower | undefined;
}

/** Most wall-clock milliseconds that one world may take at a stretch while others wait. */
const TURN_MS = 20;
const TELL_EVERY_MS = 1000;
/** Key figures and timelines are a look at the whole world, and much to tell. */
const FIGURES_EVERY_MS = 5000;
/** Bands change slowly, and cost a look at all key figures of three worlds. */
const BANDS_EVERY_MS = 10_000;
/** Findings ripen slowly, and hundreds of syncs are much to tell. */
const LOOPS_EVERY_MS = 10_000;

export interface PacedParts {
  /** Wall-clock milliseconds, never running back. */
  readonly clock: () => number;
  /** The time of day. */
  readonly unixSeconds: () => number;
  readonly tell: (message: ShadowMessage) => void;
  /** Hears whose turn begins, by the number of its start; 0: nobody's. */
  readonly turnOf?: (number: number) => void;
}

/** Worlds paced by the wall clock, any number in one thread. Holds no timer: whoever holds it calls `turn` often. */
export class PacedWorlds {
  readonly #worlds = new Map<string, Paced>();
  /** Keys of worlds whose series somebody waits for; undefined: nobody waits. */
  #undrawn: string[] | undefined;
  readonly #clock: () => number;
  readonly #unixSeconds: () => number;
  readonly #tell: (message: ShadowMessage) => void;
  readonly #turnOf: (number: number) => void;

  constructor({ clock, unixSeconds, tell, turnOf = () => undefined }: PacedParts) {
    this.#clock = clock;
    this.#unixSeconds = unixSeconds;
    this.#tell = tell;
    this.#turnOf = turnOf;
  }

  get size(): number {
    return this.#worlds.size;
  }

  command(command: ShadowCommand): void {
    switch (command.kind) {
      case "start":
        return this.#guard(command.key, command.number ?? 0, () => this.#start(command));
      case "stop":
        return this.#stop(command.key);
      case "scale":
        return this.#scale(command);
      case "draw":
        this.#undrawn = [...this.#worlds.keys()];
        return;
      default:
        return command satisfies never;
    }
  }

  /** Brings every world up to the wall clock, a stretch each, and tells snapshots that are due. Ends come last: nothing waits for them. */
  turn(): void {
    for (const [key, paced] of this.#worlds) this.#guard(key, paced.number, () => this.#advance(key, paced));
    for (const [key, paced] of this.#worlds) this.#guard(key, paced.number, () => this.#advanceEnds(key, paced));
  }

  /**
   * Draws series that were asked for, for a stretch; each world's are those of the moment at which it is drawn.
   * @returns whether there is more to draw
   */
  draw(): boolean {
    const until = this.#clock() + TURN_MS;
    while (this.#undrawn !== undefined) {
      const key = this.#undrawn.pop();
      if (key === undefined) {
        this.#undrawn = undefined;
        this.#tell({ kind: "all-drawn" });
        return false;
      }
      const paced = this.#worlds.get(key);
      if (paced !== undefined) this.#guard(key, paced.number, () => this.#draw(key, paced));
      if (this.#clock() > until) break;
    }
    return this.#undrawn !== undefined;
  }

  #draw(key: string, paced: Paced): void {
    const { middle, startedSeconds, bands } = paced;
    const reached = this.#lap(key, middle, this.#due(paced));
    const families = familiesOf(middle.world.view(reached), startedSeconds);
    this.#tell({
      kind: "drawn",
      key,
      families: bands === undefined ? families : [...families, ...bandFamilies(bands)],
    });
  }

  #start(command: Extract<ShadowCommand, { kind: "start" }>): void {
    const { key, scenario, speed, maxTraceBytes, number = 0 } = command;
    this.#stop(key);
    const began = this.#clock();
    const ends = bandScenarios(scenario);
    const lane = (of: Scenario): PacedLane => new PacedLane(of, maxTraceBytes);
    const followed = followedBy(command, this.#unixSeconds());
    const paced: Paced = {
      number,
      middle: lane(scenario),
      ends: ends === undefined ? undefined : { fast: lane(ends.fast), slow: lane(ends.slow) },
      notes: wideningNotes(ends?.novelties ?? []),
      speed,
      began,
      startedSeconds: speed === 1 ? this.#unixSeconds() : undefined,
      told: began - TELL_EVERY_MS,
      figured: began - FIGURES_EVERY_MS,
      bands: undefined,
      banded: began,
      looped: began - LOOPS_EVERY_MS,
      stopped: new AbortController(),
      traffic: undefined,
      drift: followed && new DriftFollower(followed),
    };
    this.#worlds.set(key, paced);
    if (followed !== undefined) void this.#follow(key, followed, paced);
  }

  /** Feeds all lanes of a world what production gets; ends when the world is stopped. */
  async #follow(key: string, followed: Followed, paced: Paced): Promise<void> {
    try {
      const lines = followProduction({
        ...followed,
        unixSeconds: this.#unixSeconds,
        signal: paced.stopped.signal,
        tell: (news) => {
          paced.traffic = news;
        },
      });
      for await (const line of lines) for (const { world } of lanesOf(paced)) world.feed(line);
    } catch (error) {
      if (!paced.stopped.signal.aborted) this.#fail(key, error);
    }
  }

  #stop(key: string): void {
    const paced = this.#worlds.get(key);
    paced?.stopped.abort();
    for (const lane of paced === undefined ? [] : lanesOf(paced)) lane.stop();
    this.#worlds.delete(key);
  }

  #scale({ key, workload, replicas, by }: Extract<ShadowCommand, { kind: "scale" }>): void {
    const paced = this.#worlds.get(key);
    if (paced === undefined) return;
    const due = this.#due(paced);
    for (const { world } of lanesOf(paced)) {
      world.inject(Math.max(due, world.now) as SimTime, { kind: "scale-written", workload, replicas, by });
    }
    // Whoever scales reads the outcome back: it is told with the next turn.
    paced.told = Number.NEGATIVE_INFINITY;
  }

  /** Where the world should be now. */
  #due(paced: Paced): SimTime {
    return Math.floor((this.#clock() - paced.began) * 1000 * paced.speed) as SimTime;
  }

  #advance(key: string, paced: Paced): void {
    const { world } = paced.middle;
    const target = this.#due(paced);
    const reached = this.#lap(key, paced.middle, target);
    paced.drift?.look(world, reached).catch((error: unknown) => this.#fail(key, error));
    if (this.#clock() - paced.told < TELL_EVERY_MS) return;
    paced.told = this.#clock();
    const pulse = pulseOf(paced, target, reached);
    if (this.#clock() - paced.figured < FIGURES_EVERY_MS) return this.#tell({ kind: "pulse", key, pulse });
    paced.figured = this.#clock();
    const { bands, notes } = paced;
    const snapshot: ShadowSnapshot = {
      ...pulse,
      untilSeconds: reached / 1e6,
      ...world.progress(reached),
      ...(bands === undefined ? {} : { bands, notes }),
      ...this.#loopsOf(paced, reached),
    };
    this.#tell({ kind: "snapshot", key, snapshot });
  }

  #loopsOf(paced: Paced, reached: SimTime): Pick<ShadowSnapshot, "loops"> {
    if (this.#clock() - paced.looped < LOOPS_EVERY_MS) return {};
    paced.looped = this.#clock();
    return { loops: paced.middle.world.loops(reached) };
  }

  /** Both ends after the middle, and the bands where all three stand at one moment. */
  #advanceEnds(key: string, paced: Paced): void {
    if (paced.ends === undefined) return;
    const target = this.#due(paced);
    const reached = lanesOf(paced).map((lane) => this.#lap(key, lane, target));
    if (this.#clock() - paced.banded < BANDS_EVERY_MS) return;
    paced.banded = this.#clock();
    const caughtUp = reached.every((at) => at === target);
    paced.bands = caughtUp ? bandsAt(paced.middle, paced.ends, target) : undefined;
  }

  #lap(key: string, lane: PacedLane, target: SimTime): SimTime {
    const until = this.#clock() + TURN_MS;
    return lane.advance(
      target,
      () => this.#clock() > until,
      (error) => this.#fail(key, error),
    );
  }

  #guard(key: string, number: number, act: () => void): void {
    this.#turnOf(number);
    try {
      act();
    } catch (error) {
      this.#fail(key, error);
    }
    this.#turnOf(0);
  }

  /** One world's failure is its own: the others go on. */
  #fail(key: string, error: unknown): void {
    const scenario = this.#worlds.get(key)?.middle.world.scenario;
    this.#stop(key);
    this.#tell({ ...describe(error, scenario), key });
  }
}

type Followed = Pick<Following, "live" | "access" | "startSeconds">;

/** @param nowSeconds Unix time of the world's start */
const followedBy = (
  { scenario: { traffic }, tokenFile }: Extract<ShadowCommand, { kind: "start" }>,
  nowSeconds: number,
): Followed | undefined => {
  if (traffic.kind !== "live") return undefined;
  const access = { url: traffic.url, ...(tokenFile === undefined ? {} : { tokenFile }) };
  return { live: traffic, access, startSeconds: nowSeconds - traffic.delayMicros / 1e6 };
};

const lanesOf = ({ middle, ends }: Paced): readonly PacedLane[] =>
  ends === undefined ? [middle] : [middle, ends.fast, ends.slow];

const pulseOf = ({ middle, traffic, drift: follower }: Paced, target: SimTime, reached: SimTime): ShadowPulse => {
  const { workloads } = middle.world.view(reached);
  const drift = follower?.drift;
  return {
    simulatedSeconds: reached / 1e6,
    lagSeconds: (target - reached) / 1e6,
    replicas: {
      spec: workloads.reduce((sum, workload) => sum + workload.specReplicas, 0),
      ready: workloads.reduce((sum, workload) => sum + workload.readyReplicas, 0),
    },
    ...(traffic === undefined ? {} : { traffic }),
    ...(drift === undefined ? {} : { drift }),
  };
};

const bandsAt = (middle: PacedLane, ends: NonNullable<Paced["ends"]>, at: SimTime): KpiBands => {
  const { kpis } = middle.world.progress(at);
  const [fast, slow] = [ends.fast.world.progress(at).kpis, ends.slow.world.progress(at).kpis];
  return kpiBands({ middle: kpis, fast, slow }, kpiBandRule(kpis.prefixCacheHitRatio));
};

const describe = (
  error: unknown,
  scenario: Scenario | undefined,
): { kind: "problem"; reason: string; message: string; fix?: string } => {
  try {
    return problemOf(error, scenario);
  } catch (ours) {
    return { kind: "problem", reason: "InternalError", message: (ours as Error).stack ?? String(ours) };
  }
};
