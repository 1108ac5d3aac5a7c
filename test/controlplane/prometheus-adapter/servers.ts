import { load } from "js-yaml";
import type {
  MonitoringServer,
  QueryAnswer,
  QueryElement,
  SeriesLabels,
} from "../../../src/controlplane/monitoring-server.ts";
import {
  type AdapterRules,
  adapterConfig,
  PrometheusAdapter,
  readAdapterRules,
} from "../../../src/controlplane/prometheus-adapter/index.ts";
import type { Problem } from "../../../src/model/problem.ts";
import { Labels, parseQuery, prepare, Store } from "../../../src/promql/index.ts";
import { instant, micros, type SimTime } from "../../../src/sim/time.ts";
import { searchRegexp } from "../../../src/twin/search-regexp.ts";

export const atSeconds = (seconds: number): SimTime => instant(Math.round(seconds * 1e6));

export const readRules = (yaml: string) => readAdapterRules(adapterConfig.parse(load(yaml)), searchRegexp);

export const rulesOf = (yaml: string): AdapterRules => {
  const read = readRules(yaml);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
};

export const problemsIn = (yaml: string): readonly Problem[] => {
  const read = readRules(yaml);
  return read.ok ? read.warnings : read.problems;
};

export const adapterOf = (yaml: string, relistSeconds = 600): PrometheusAdapter => {
  const relistInterval = micros(relistSeconds * 1e6);
  return new PrometheusAdapter(rulesOf(yaml), { relistInterval, maxAge: relistInterval });
};

const unreachable = { ok: false, why: "unreachable", message: "no answer" } as const;

/** Finds all its series whatever it is asked, and answers each query with what is set for it; notes what it was asked. */
export class ScriptedServer implements MonitoringServer {
  readonly asked: string[] = [];
  readonly listed: (readonly [string, number])[] = [];
  down = false;
  found: readonly SeriesLabels[];
  answer: readonly QueryElement[] | QueryAnswer = [];

  constructor(found: readonly SeriesLabels[]) {
    this.found = found;
  }

  query(text: string): QueryAnswer {
    this.asked.push(text);
    if (this.down) return unreachable;
    return "ok" in this.answer ? this.answer : { ok: true, type: "vector", elements: this.answer };
  }

  series([selector = ""]: readonly string[], _within: number, now: SimTime) {
    this.listed.push([selector, now / 1e6]);
    return this.down ? unreachable : { ok: true as const, series: this.found };
  }
}

/** PromQL over series in memory. */
export class StoreServer implements MonitoringServer {
  readonly #store = new Store({ retentionMs: 3_600_000 });

  scrape(seconds: number, name: string, labels: SeriesLabels, value: number): void {
    this.#store.append(this.#store.series(Labels.of({ ...labels, __name__: name })), seconds * 1000, value);
  }

  query(text: string, now: SimTime): QueryAnswer {
    const prepared = prepare(text, this.#store);
    if (!prepared.ok) return { ok: false, why: "refused", message: prepared.message };
    const answer = prepared.query.instant(now / 1000);
    if (!answer.ok) return { ok: false, why: "refused", message: answer.message };
    const { value } = answer;
    if (value.kind === "scalar") return { ok: true, type: "scalar", elements: [{ labels: {}, value: value.value }] };
    if (value.kind !== "vector") return { ok: false, why: "refused", message: value.kind };
    const elements = value.samples.map((sample) => ({ labels: sample.labels.record(), value: sample.value }));
    return { ok: true, type: "vector", elements };
  }

  series(selectors: readonly string[], within: number, now: SimTime) {
    const series = selectors.flatMap((text) => {
      const parsed = parseQuery(text);
      if (!parsed.ok || parsed.expr.kind !== "selector") throw new Error(`no selector: ${text}`);
      return this.#store.select(parsed.expr.matchers);
    });
    const alive = series.filter(({ newestMs }) => newestMs > (now - within) / 1000 && newestMs <= now / 1000);
    return { ok: true as const, series: alive.map(({ labels }) => labels.record()) };
  }
}
