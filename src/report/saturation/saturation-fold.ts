import { invariant } from "../../sim/invariant.ts";
import type { SimTime } from "../../sim/time.ts";
import { type DetectorName, detectors } from "../detectors/index.ts";
import type { Saturation } from "../report.ts";
import { Backlog } from "./backlog.ts";
import { Completions } from "./completions.ts";
import { LEVELS, type RunSoFar, type SaturationVerdict } from "./detector.ts";
import { Plurality } from "./plurality.ts";

export interface SaturationOptions {
  readonly detector: DetectorName;
  /** Bound of the detector `threshold`. */
  readonly e2eMicros: number;
  /** Length of the trailing window of the streaming verdict. */
  readonly windowMicros: number;
}

/** Source: BLIS sim/saturation (threshold 5000 ms); the window is the twin's. */
export const SATURATION_DEFAULTS: SaturationOptions = { detector: "composite", e2eMicros: 5e6, windowMicros: 300e6 };

/** The most severe of several runs' verdicts, the higher score of two of one level. @param all at least one */
export const worst = (all: readonly Saturation[]): Saturation =>
  all.reduce((a, b) => {
    const [of, than] = [LEVELS.indexOf(b.level), LEVELS.indexOf(a.level)];
    return of > than || (of === than && b.score > a.score) ? b : a;
  });

/** Follows arrivals and completions of a run, and says at any time how saturated it was so far. */
export class SaturationFold {
  readonly #options: SaturationOptions;
  readonly #latencies = new Completions();
  readonly #backlog = new Backlog();
  readonly #streaming: Plurality;
  #arrivals = 0;

  constructor(options: SaturationOptions) {
    this.#options = options;
    this.#streaming = new Plurality(options.windowMicros);
  }

  arrived(at: SimTime): void {
    this.#arrivals += 1;
    this.#backlog.change(1, at);
  }

  /** @param e2eMicros of a request that completed; undefined: it ended otherwise */
  ended(at: SimTime, e2eMicros: number | undefined): void {
    this.#backlog.change(-1, at);
    if (e2eMicros !== undefined) this.#latencies.observe(e2eMicros);
  }

  /** Asks the chosen detector, for the streaming verdict. */
  look(at: SimTime): void {
    if (this.#arrivals > 0) this.#streaming.tell(at, this.#judge(this.#options.detector));
  }

  get saturation(): Saturation {
    const { detector } = this.#options;
    const verdicts = detectors.map(({ name }): [string, SaturationVerdict] => [name, this.#judge(name)]);
    const streaming = this.#streaming.verdict ?? this.#judge(detector);
    return {
      detector,
      ...this.#judge(detector),
      detectors: { ...Object.fromEntries(verdicts), streaming },
      exact: this.#latencies.exact,
    };
  }

  #judge(name: string): SaturationVerdict {
    const detector = detectors.find((one) => one.name === name);
    invariant(detector !== undefined, `a detector ${name} exists`);
    const run: RunSoFar = {
      arrivals: this.#arrivals,
      completions: this.#latencies.count,
      latencies: this.#latencies,
      backlogSlope: this.#backlog.slope,
    };
    return detector.judge(run, { e2eSeconds: this.#options.e2eMicros / 1e6 });
  }
}
