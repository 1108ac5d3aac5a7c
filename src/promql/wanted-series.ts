import type { Expr } from "./ast.ts";
import { PLAIN } from "./features.ts";
import { METRIC_NAME } from "./labels.ts";
import { selectorsOf } from "./metric-names.ts";
import { parseQuery } from "./parse.ts";
import { reachMs } from "./reach.ts";

/** Which series some queries read, and how far back: what is not among them need not be scraped. */
export class WantedSeries {
  readonly #tests = new Map<string, (name: string) => boolean>();
  readonly #known = new Map<string, boolean>();
  #reachMs = 0;

  /** @param queries those that can't be parsed read nothing */
  constructor(queries: Iterable<string> = []) {
    for (const text of queries) {
      const parsed = parseQuery(text, PLAIN);
      if (parsed.ok) this.add(parsed.expr);
    }
  }

  /** How far back they read, in milliseconds. */
  get reachMs(): number {
    return this.#reachMs;
  }

  /** One query more. @returns whether it reads series that none did before it */
  add(query: Expr): boolean {
    const before = this.#tests.size;
    this.#reachMs = Math.max(this.#reachMs, reachMs(query));
    for (const { matchers } of selectorsOf(query)) {
      const ofName = matchers.filter(({ name }) => name === METRIC_NAME);
      const key = ofName.map(({ operator, value }) => `${operator}${value}`).join("\n");
      if (!this.#tests.has(key)) this.#tests.set(key, (name) => ofName.every(({ matches }) => matches(name)));
    }
    const isNew = this.#tests.size > before;
    if (isNew) this.#known.clear();
    return isNew;
  }

  /** By the name under which a series is exposed: `_total`, `_bucket` and so on with it. */
  readonly wants = (name: string): boolean => {
    const before = this.#known.get(name);
    if (before !== undefined) return before;
    const wanted = [...this.#tests.values()].some((test) => test(name));
    this.#known.set(name, wanted);
    return wanted;
  };
}
