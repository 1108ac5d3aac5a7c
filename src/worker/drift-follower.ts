import { DRIFT_SERIES, type Drift, DriftWatch, type Reading, readingOf } from "../report/drift/index.ts";
import { familiesOf } from "../report/metrics/index.ts";
import type { SimTime } from "../sim/time.ts";
import type { LiveTraffic } from "../twin/scenario.ts";
import type { World } from "../twin/world.ts";
import { selectorOf } from "./production-series.ts";
import { type PrometheusAccess, PrometheusError, query } from "./prometheus-api.ts";

const MINUTE = 60e6;
/** A world begins empty and production doesn't: it is compared once it has filled. */
const SETTLED_MICROS = 5 * MINUTE;

export interface DriftFollowerParts {
  readonly live: Pick<LiveTraffic, "selector" | "models">;
  readonly access: PrometheusAccess;
  /** Unix time of production that second 0 of the world stands for. */
  readonly startSeconds: number;
}

/** Compares a world that follows production with it, minute by minute of the world's time, at the same instants of both. */
export class DriftFollower {
  readonly #parts: DriftFollowerParts;
  readonly #watch = new DriftWatch();
  #due = SETTLED_MICROS;
  #asking = false;
  #drift: Drift | undefined;

  constructor(parts: DriftFollowerParts) {
    this.#parts = parts;
  }

  /** undefined: nothing was compared yet. */
  get drift(): Drift | undefined {
    return this.#drift;
  }

  /**
   * To be called often. Where Prometheus doesn't answer, the minute is left out: whoever reads the traffic tells of it.
   * @param reached how far the world is
   */
  async look(world: World, reached: SimTime): Promise<void> {
    if (reached < this.#due || this.#asking) return;
    this.#due = (Math.floor(reached / MINUTE) + 1) * MINUTE;
    const simulated = readingOf(familiesOf(world.view(reached)));
    this.#asking = true;
    try {
      this.#drift = this.#watch.add(simulated, await this.#production(reached));
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error;
    } finally {
      this.#asking = false;
    }
  }

  async #production(reached: SimTime): Promise<Reading> {
    const { access, live, startSeconds } = this.#parts;
    const series = await query(access, selectorOf(DRIFT_SERIES, live.selector), startSeconds + reached / 1e6);
    return series
      .filter(({ labels }) => live.models.includes(labels["model_name"] ?? ""))
      .map(({ labels, points }) => ({ labels, value: points[0]?.[1] ?? Number.NaN }));
  }
}
