import { exposeHistory } from "../exporter/exposition.ts";
import { History } from "../exporter/history.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import { LineFile } from "./line-file.ts";

/** More than fit the memory of a run's thread: for the user, not a crash. */
export class TooManySamplesError extends Error {
  override readonly name = "TooManySamplesError";
  readonly fix = "take samples less often (--metrics-interval), or make the run shorter";
}

/** At 40 bytes each they leave room for the world in the 2 GiB of a run's thread. */
const MOST_SAMPLES = 30_000_000;

/** Series over time as a file of OpenMetrics. They are held until the end, since the format tells one series after the other. */
export class MetricsFile {
  readonly #file: LineFile;
  readonly #history = new History();

  /** @throws UnwritableFileError if the file can't be written; so do the others */
  constructor(path: string) {
    this.#file = new LineFile(path);
  }

  /** @param atMillis Unix milliseconds @throws TooManySamplesError */
  add(families: Iterable<MetricFamily>, atMillis: number): void {
    this.#history.add(families, atMillis);
    if (this.#history.samples > MOST_SAMPLES)
      throw new TooManySamplesError(`the series over time have more than ${MOST_SAMPLES} samples`);
  }

  end(): void {
    for (const lines of exposeHistory(this.#history)) this.#file.write(lines);
    this.#file.end();
  }

  /** Takes back what was written. */
  discard(): void {
    this.#file.discard();
  }
}
