import { familiesOf } from "../report/metrics/index.ts";
import type { SimTime } from "../sim/time.ts";
import type { Scenario } from "../twin/scenario.ts";
import { World } from "../twin/world.ts";
import { problemOf } from "./preview.ts";
import type { ShadowCommand, ShadowMessage } from "./protocol.ts";
import { readTrace } from "./trace-input.ts";

interface Paced {
  readonly world: World;
  readonly speed: number;
  /** Wall clock, in milliseconds, at which the world began. */
  readonly began: number;
  readonly text: AsyncGenerator<string> | undefined;
  /** Unix seconds of the world's start where it keeps the wall clock's pace, for `_created`. */
  readonly startedSeconds: number | undefined;
  /** A block of the trace is being read. */
  reading: boolean;
  told: number;
}

/** Most wall-clock milliseconds that one world may take at a stretch while others wait. */
const TURN_MS = 20;
const TELL_EVERY_MS = 1000;

/**
 * Worlds paced by the wall clock, any number in one thread. Holds no timer: whoever holds it calls `turn` often.
 * @param clock wall-clock milliseconds, never running back
 * @param unixSeconds the time of day
 */
export class PacedWorlds {
  readonly #worlds = new Map<string, Paced>();
  readonly #clock: () => number;
  readonly #unixSeconds: () => number;
  readonly #tell: (message: ShadowMessage) => void;

  constructor(clock: () => number, unixSeconds: () => number, tell: (message: ShadowMessage) => void) {
    this.#clock = clock;
    this.#unixSeconds = unixSeconds;
    this.#tell = tell;
  }

  get size(): number {
    return this.#worlds.size;
  }

  command(command: ShadowCommand): void {
    switch (command.kind) {
      case "start":
        return this.#guard(command.key, () =>
          this.#start(command.key, command.scenario, command.speed, command.maxTraceBytes),
        );
      case "stop":
        return this.#stop(command.key);
      case "scale":
        return this.#scale(command);
      default:
        return command satisfies never;
    }
  }

  /** Brings every world up to the wall clock, a stretch each, and tells snapshots that are due. */
  turn(): void {
    for (const [key, paced] of this.#worlds) this.#guard(key, () => this.#advance(key, paced));
  }

  #start(key: string, scenario: Scenario, speed: number, maxTraceBytes: number): void {
    this.#stop(key);
    const text = scenario.traffic.kind === "trace" ? readTrace(scenario.traffic.input, maxTraceBytes) : undefined;
    const began = this.#clock();
    const startedSeconds = speed === 1 ? this.#unixSeconds() : undefined;
    const told = began - TELL_EVERY_MS;
    const paced: Paced = { world: new World(scenario), speed, began, startedSeconds, text, reading: false, told };
    this.#worlds.set(key, paced);
  }

  #stop(key: string): void {
    const paced = this.#worlds.get(key);
    void paced?.text?.return(undefined);
    this.#worlds.delete(key);
  }

  #scale({ key, workload, replicas, by }: Extract<ShadowCommand, { kind: "scale" }>): void {
    const paced = this.#worlds.get(key);
    if (paced === undefined) return;
    const at = Math.max(this.#due(paced), paced.world.now) as SimTime;
    paced.world.inject(at, { kind: "scale-written", workload, replicas, by });
    // Whoever scales reads the outcome back: it is told with the next turn.
    paced.told = Number.NEGATIVE_INFINITY;
  }

  /** Where the world should be now. */
  #due(paced: Paced): SimTime {
    return Math.floor((this.#clock() - paced.began) * 1000 * paced.speed) as SimTime;
  }

  #advance(key: string, paced: Paced): void {
    const { world } = paced;
    const target = this.#due(paced);
    const until = this.#clock() + TURN_MS;
    while (!world.starved && world.next !== undefined && world.next <= target) {
      world.step();
      if (this.#clock() > until) break;
    }
    if (world.starved && !paced.reading) void this.#read(key, paced);
    const behind = world.next !== undefined && world.next <= target;
    const reached = (behind || world.starved ? world.now : target) as SimTime;
    if (this.#clock() - paced.told < TELL_EVERY_MS) return;
    paced.told = this.#clock();
    const view = world.view(reached);
    this.#tell({
      kind: "snapshot",
      key,
      snapshot: {
        simulatedSeconds: reached / 1e6,
        lagSeconds: (target - reached) / 1e6,
        families: familiesOf(view, paced.startedSeconds),
        ...world.progress(reached),
        replicas: {
          spec: view.workloads.reduce((sum, workload) => sum + workload.specReplicas, 0),
          ready: view.workloads.reduce((sum, workload) => sum + workload.readyReplicas, 0),
        },
      },
    });
  }

  async #read(key: string, paced: Paced): Promise<void> {
    paced.reading = true;
    try {
      const block = await paced.text?.next();
      if (this.#worlds.get(key) === paced)
        paced.world.feed(block === undefined || block.done === true ? undefined : block.value);
    } catch (error) {
      this.#fail(key, error);
    } finally {
      paced.reading = false;
    }
  }

  #guard(key: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(key, error);
    }
  }

  /** One world's failure is its own: the others go on. */
  #fail(key: string, error: unknown): void {
    const scenario = this.#worlds.get(key)?.world.scenario;
    this.#stop(key);
    this.#tell({ ...describe(error, scenario), key });
  }
}

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
