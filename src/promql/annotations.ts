import type { Place } from "./ast.ts";
import { placeIn } from "./query-error.ts";

/** Warnings and infos of a query: a result is there, but may not be what was meant. */
export interface Annotation {
  readonly level: "warning" | "info";
  /** As Prometheus spells it, with line and column. */
  readonly text: string;
  /** Offset in the query of what it is about. */
  readonly from: number;
}

/** Each is told once, however many steps and series it stands for. Source: util/annotations, Prometheus 3.14. */
export class Annotations {
  readonly #found = new Map<string, Annotation>();
  readonly #recordings: Map<string, Annotation>[] = [];
  #query = "";
  #epoch = 0;

  /** As long as it is the same, what was told once need not be told again. */
  get epoch(): number {
    return this.#epoch;
  }

  reset(query: string): void {
    this.#query = query;
    this.#found.clear();
    this.#recordings.length = 0;
    this.#epoch += 1;
  }

  /** @returns what was told meanwhile, to be told again whenever the result is used again; undefined for nothing */
  during(work: () => void): ReadonlyMap<string, Annotation> | undefined {
    const told = new Map<string, Annotation>();
    this.#recordings.push(told);
    this.#epoch += 1;
    work();
    this.#epoch += 1;
    this.#recordings.pop();
    return told.size === 0 ? undefined : told;
  }

  repeat(told: ReadonlyMap<string, Annotation>): void {
    for (const [key, annotation] of told) this.#tell(key, annotation);
  }

  warn(message: string, place: Place): void {
    this.#add("warning", `PromQL warning: ${message}`, place);
  }

  info(message: string, place: Place): void {
    this.#add("info", `PromQL info: ${message}`, place);
  }

  list(): readonly Annotation[] {
    return [...this.#found.values()];
  }

  #add(level: Annotation["level"], key: string, { from }: Place): void {
    const known = this.#found.get(key);
    // Of several places the last one counts, as there.
    const again = known?.from === from ? known : { level, from, text: `${key} (${placeIn(this.#query, from)})` };
    if (again !== known || this.#recordings.length > 0) this.#tell(key, again);
  }

  #tell(key: string, annotation: Annotation): void {
    this.#found.set(key, annotation);
    for (const recording of this.#recordings) recording.set(key, annotation);
  }
}

export const quantileWarning = (q: string): string => `quantile value should be between 0 and 1, got ${q}`;
