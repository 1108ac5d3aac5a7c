import { PLAIN } from "./features.ts";
import { METRIC_NAME } from "./labels.ts";
import { selectorsOf } from "./metric-names.ts";
import { parseQuery } from "./parse.ts";
import { reachMs } from "./reach.ts";

/** Which series some queries read, and how far back: what is not among them need not be scraped. */
export interface WantedSeries {
  /** By the name under which a series is exposed: `_total`, `_bucket` and so on with it. */
  wants(name: string): boolean;
  readonly reachMs: number;
}

/** @param queries those that can't be parsed read nothing */
export const wantedSeries = (queries: Iterable<string>): WantedSeries => {
  const tests = new Map<string, (name: string) => boolean>();
  let reach = 0;
  for (const text of queries) {
    const parsed = parseQuery(text, PLAIN);
    if (!parsed.ok) continue;
    reach = Math.max(reach, reachMs(parsed.expr));
    for (const { matchers } of selectorsOf(parsed.expr)) {
      const ofName = matchers.filter(({ name }) => name === METRIC_NAME);
      const key = ofName.map(({ operator, value }) => `${operator}${value}`).join("\n");
      tests.set(key, (name) => ofName.every(({ matches }) => matches(name)));
    }
  }
  const known = new Map<string, boolean>();
  return {
    reachMs: reach,
    wants: (name) => {
      const before = known.get(name);
      if (before !== undefined) return before;
      const wanted = [...tests.values()].some((test) => test(name));
      known.set(name, wanted);
      return wanted;
    },
  };
};
