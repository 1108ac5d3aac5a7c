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
  readonly #sinks: readonly InstantSink[];
  #due: number;

  /** @param sinks none: nobody wants to know, and nothing is ever due */
  constructor(world: World, said: RecordedSeriesSaid | undefined, sinks: readonly InstantSink[]) {
    this.#world = world;
    this.#said = said;
    this.#sinks = sinks;
    this.#due = said === undefined || sinks.length === 0 ? Number.POSITIVE_INFINITY : 0;
  }

  /** The next instant to be taken; what happens at it belongs to it. */
  get due(): number {
    return this.#due;
  }

  /** The world has no event up to the instant that is due, or it is after that. */
  take(): void {
    const { startUnixSeconds, everySeconds, naming, labels } = this.#said as RecordedSeriesSaid;
    const { simulation, name: scenario } = this.#world.scenario;
    const families = familiesOf(this.#world.view(this.#due as SimTime), startUnixSeconds);
    const atMillis = Math.round(startUnixSeconds * 1000 + this.#due / 1000);
    const marked = [...simulatedFamilies([{ naming, labels, simulation, scenario, families }])];
    for (const sink of this.#sinks) sink.add(marked, atMillis);
    this.#due += everySeconds * 1e6;
  }
}
