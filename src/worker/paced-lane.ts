import type { SimTime } from "../sim/time.ts";
import type { Scenario } from "../twin/scenario.ts";
import { World } from "../twin/world.ts";
import { readTrace } from "./trace-input.ts";

/** One world that follows a clock of somebody else's, and the trace that feeds it. Live traffic is fed by whoever reads it. */
export class PacedLane {
  readonly world: World;
  readonly #text: AsyncGenerator<string> | undefined;
  #reading = false;
  #stopped = false;

  constructor(scenario: Scenario, maxTraceBytes: number) {
    this.world = new World(scenario);
    const { traffic } = scenario;
    this.#text = traffic.kind === "trace" ? readTrace(traffic.input, maxTraceBytes) : undefined;
  }

  /**
   * Brings the world to `target`, or as far as it comes while `busy` says no.
   * @param failed hears what was wrong with the trace, later
   * @returns how far it is
   */
  advance(target: SimTime, busy: () => boolean, failed: (error: unknown) => void): SimTime {
    const { world } = this;
    while (!world.starved && world.step(target)) if (busy()) break;
    if (world.starved && !this.#reading && this.#text !== undefined) void this.#read(failed);
    const behind = world.next !== undefined && world.next <= target;
    return (behind || world.starved ? world.now : target) as SimTime;
  }

  stop(): void {
    this.#stopped = true;
    void this.#text?.return(undefined);
  }

  async #read(failed: (error: unknown) => void): Promise<void> {
    this.#reading = true;
    try {
      const block = await this.#text?.next();
      if (!this.#stopped) this.world.feed(block === undefined || block.done === true ? undefined : block.value);
    } catch (error) {
      if (!this.#stopped) failed(error);
    } finally {
      this.#reading = false;
    }
  }
}
