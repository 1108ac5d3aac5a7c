import { Annotations } from "./annotations.ts";
import type { Features } from "./features.ts";
import { QueryError } from "./query-error.ts";

/** What holds for all steps of a plan while a query is answered. */
export class Run {
  readonly features: Features;
  readonly lookBackMs: number;
  readonly defaultStepMs: number;
  readonly annotations = new Annotations();
  startMs = 0;
  endMs = 0;
  /** 0 for an instant query. */
  stepMs = 0;
  /** Another one for every answer. */
  id = 0;
  #left = 0;
  #inRange = false;
  readonly #mostSamples: number;

  constructor(options: {
    readonly features: Features;
    readonly lookBackMs: number;
    readonly defaultStepMs: number;
    readonly mostSamples: number;
  }) {
    this.features = options.features;
    this.lookBackMs = options.lookBackMs;
    this.defaultStepMs = options.defaultStepMs;
    this.#mostSamples = options.mostSamples;
  }

  begin(query: string, startMs: number, endMs: number, stepMs: number): void {
    this.id += 1;
    this.startMs = startMs;
    this.endMs = endMs;
    this.stepMs = stepMs;
    this.#left = this.#mostSamples;
    this.#inRange = false;
    this.annotations.reset(query);
  }

  /** More than one instant is asked for: by the query, or by the subquery that is being answered. */
  get isRange(): boolean {
    return this.#inRange || this.startMs !== this.endMs;
  }

  /** Answers one step of a subquery. @param steps how many it has */
  within<T>(steps: number, work: () => T): T {
    const before = this.#inRange;
    this.#inRange = before || steps > 1;
    const result = work();
    this.#inRange = before;
    return result;
  }

  /**
   * Counts what a query reads, so that none runs for ever. Prometheus bounds what is in memory at once; this bounds the
   * work, with the same number and words.
   */
  spend(samples: number): void {
    this.#left -= samples;
    if (this.#left < 0) {
      throw new QueryError("query processing would load too many samples into memory in query execution");
    }
  }
}
