import type { Expr } from "../promql/index.ts";
import { WantedSeries } from "../promql/wanted-series.ts";
import type { MetricRow } from "../report/metric.ts";
import { seriesNamesOf } from "../report/metrics/index.ts";

/** What some queries read: series by their names, and the rows of pages that those are of. */
export class ReadSeries {
  readonly #wanted: WantedSeries;
  readonly #rows = new Map<readonly unknown[], readonly unknown[]>();

  /** @param queries those that can't be parsed read nothing */
  constructor(queries: Iterable<string> = []) {
    this.#wanted = new WantedSeries(queries);
  }

  get wants(): WantedSeries["wants"] {
    return this.#wanted.wants;
  }

  get reachMs(): number {
    return this.#wanted.reachMs;
  }

  /** One query more. @returns whether it reads series that none did before it */
  add(query: Expr): boolean {
    const isNew = this.#wanted.add(query);
    if (isNew) this.#rows.clear();
    return isNew;
  }

  /** @returns those of the rows that are read; a list is looked through once */
  rows<View>(all: readonly MetricRow<View>[]): readonly MetricRow<View>[] {
    let read = this.#rows.get(all) as readonly MetricRow<View>[] | undefined;
    if (read === undefined) {
      read = all.filter((row) => seriesNamesOf(row).some(this.wants));
      this.#rows.set(all, read);
    }
    return read;
  }
}
