import { simulatedFamilies } from "../exporter/simulated.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import { familiesOf } from "../report/metrics/index.ts";
import type { SimTime } from "../sim/time.ts";
import type { World } from "../twin/world.ts";
import type { RecordedSeriesSaid } from "./protocol.ts";

/** Who keeps series over time. */
export interface InstantSink {
  /** @param atMillis Unix milliseconds, later than those before */
  add(families: Iterable<MetricFamily>, atMillis: number): void;
}

/** Looks at a world every so often of its own time, as a scrape of its exporter would, and hands on what it showed. */
export class RecordedInstants {
  readonly #world: World;
  readonly #said: RecordedSeriesSaid | undefined;
  readonly #sink: InstantSink | undefined;
  #due: number;

  /** @param sink left out: nobody wants to know, and nothing is ever due */
  constructor(world: World, said: RecordedSeriesSaid | undefined, sink: InstantSink | undefined) {
    this.#world = world;
    this.#said = said;
    this.#sink = sink;
    this.#due = said === undefined || sink === undefined ? Number.POSITIVE_INFINITY : 0;
  }

  /** The next instant to be taken; what happens at it belongs to it. */
  get due(): number {
    return this.#due;
  }

  /** @param next the world's next event: nothing happens before it */
  takeBefore(next: SimTime): void {
    while (this.#due < next) this.#take();
  }

  /** @param end of the world, after which nothing happens */
  takeUpTo(end: SimTime): void {
    while (this.#due <= end) this.#take();
  }

  #take(): void {
    const { startUnixSeconds, everySeconds, naming, labels } = this.#said as RecordedSeriesSaid;
    const { simulation, name: scenario } = this.#world.scenario;
    const families = familiesOf(this.#world.view(this.#due as SimTime), startUnixSeconds);
    const atMillis = Math.round(startUnixSeconds * 1000 + this.#due / 1000);
    this.#sink?.add(simulatedFamilies([{ naming, labels, simulation, scenario, families }]), atMillis);
    this.#due += everySeconds * 1e6;
  }
}
