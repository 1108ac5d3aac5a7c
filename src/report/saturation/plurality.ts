import type { SimTime } from "../../sim/time.ts";
import { LEVELS, type Level, type SaturationVerdict } from "./detector.ts";

interface Told {
  readonly at: SimTime;
  readonly verdict: SaturationVerdict;
}

/**
 * The level that most verdicts of a trailing window have, the more severe one of two that are equally frequent; score and
 * confidence are the means of those verdicts. Source: BLIS sim/saturation/reduce.go, ReduceOne, inference-sim@0624ddc7,
 * which asks at every event; here as often as the gauges are looked at.
 */
export class Plurality {
  readonly #windowMicros: number;
  #told: Told[] = [];

  constructor(windowMicros: number) {
    this.#windowMicros = windowMicros;
  }

  tell(at: SimTime, verdict: SaturationVerdict): void {
    this.#told.push({ at, verdict });
    const from = at - this.#windowMicros;
    if ((this.#told[0] as Told).at < from) this.#told = this.#told.filter((one) => one.at >= from);
  }

  get verdict(): SaturationVerdict | undefined {
    if (this.#told.length === 0) return undefined;
    const level = mostFrequent(this.#told.map(({ verdict }) => verdict.level));
    const same = this.#told.filter(({ verdict }) => verdict.level === level);
    const mean = (part: "score" | "confidence"): number =>
      same.reduce((sum, { verdict }) => sum + verdict[part], 0) / same.length;
    return { level, score: mean("score"), confidence: mean("confidence") };
  }
}

const mostFrequent = (levels: readonly Level[]): Level => {
  const counts = LEVELS.map((level) => levels.filter((one) => one === level).length);
  const most = Math.max(...counts);
  return LEVELS[counts.lastIndexOf(most)] as Level;
};
