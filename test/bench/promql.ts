import { type Labels, metricLabels, type PreparedQuery, prepare, type Series, Store } from "../../src/promql/index.ts";
import { rngOf } from "../../src/sim/rng.ts";

/**
 * A day of autoscaling: ten queries every 15 s over the series of 50 replicas of vLLM, scraped every 15 s, each at its own
 * phase: `npm run bench:promql`. Counted: the processor's time (all threads, garbage collection too) of the queries, and that of
 * storing what is scraped.
 */
const REPLICAS = 50;
const DAY_SECONDS = 86_400;
const PERIOD_SECONDS = 15;

const BOUNDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const HISTOGRAMS = ["vllm:time_to_first_token_seconds", "vllm:e2e_request_latency_seconds"];
const COUNTERS = ["vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:request_success_total"];
const GAUGES = ["vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"];

const QUERIES = [
  "sum(vllm:num_requests_waiting) or vector(0)",
  "avg(vllm:kv_cache_usage_perc)",
  "sum(rate(vllm:generation_tokens_total[1m])) / 1000",
  "avg(rate(vllm:prompt_tokens_total[5m]))",
  "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[1m])))",
  "histogram_quantile(0.5, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[5m])))",
  "sum(vllm:num_requests_running + vllm:num_requests_waiting) / count(vllm:num_requests_running)",
  "max_over_time(sum(vllm:num_requests_waiting)[5m:15s])",
  "sum(rate(vllm:e2e_request_latency_seconds_sum[2m])) / sum(rate(vllm:e2e_request_latency_seconds_count[2m])) > 0 or vector(0)",
  "quantile(0.9, avg_over_time(vllm:num_requests_waiting[10m]))",
];

interface Target {
  readonly phaseMs: number;
  readonly series: readonly { readonly series: Series; readonly counter: boolean; readonly share: number }[];
  readonly values: Float64Array;
}

const namesOf = (): readonly {
  readonly name: string;
  readonly le?: string;
  readonly counter: boolean;
  readonly share: number;
}[] => [
  ...GAUGES.map((name) => ({ name, counter: false, share: 1 })),
  ...COUNTERS.map((name) => ({ name, counter: true, share: 100 })),
  ...HISTOGRAMS.flatMap((name) => [
    ...[...BOUNDS.map(String), "+Inf"].map((le, i) => ({ name: `${name}_bucket`, le, counter: true, share: i + 1 })),
    { name: `${name}_sum`, counter: true, share: 3 },
    { name: `${name}_count`, counter: true, share: BOUNDS.length + 1 },
  ]),
];

const labelsOf = (name: string, pod: string, le: string | undefined): Labels =>
  metricLabels(name, { namespace: "chat", pod, model_name: "llama", ...(le === undefined ? {} : { le }) });

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const main = (): void => {
  const rng = rngOf(1).stream("bench");
  const store = new Store({ retentionMs: 3_600_000 });
  const targets: Target[] = Array.from({ length: REPLICAS }, (_, i) => {
    const series = namesOf().map(({ name, le, counter, share }) => ({
      series: store.series(labelsOf(name, `chat-${i}`, le)),
      counter,
      share,
    }));
    return { phaseMs: Math.floor(rng.next() * 15_000), series, values: new Float64Array(series.length) };
  }).sort((a, b) => a.phaseMs - b.phaseMs);
  const queries = QUERIES.map((text) => {
    const prepared = prepare(text, store);
    if (!prepared.ok) throw new Error(prepared.message);
    return { text, query: prepared.query, ms: 0 };
  });
  let storing = 0;
  let samples = 0;
  for (let second = 0; second < DAY_SECONDS; second += PERIOD_SECONDS) {
    const begin = cpuMs();
    for (const target of targets) samples += scrape(store, target, second * 1000, rng.next());
    storing += cpuMs() - begin;
    for (const one of queries) {
      const start = cpuMs();
      ask(one.query, second * 1000 + 15_000);
      one.ms += cpuMs() - start;
    }
  }
  report(queries, storing, samples, store.size);
};

const scrape = (store: Store, { phaseMs, series, values }: Target, atMs: number, draw: number): number => {
  for (let i = 0; i < series.length; i += 1) {
    const { series: one, counter, share } = series[i] as Target["series"][number];
    values[i] = counter ? (values[i] as number) + Math.floor(draw * 10) * share : Math.floor(draw * 50);
    store.append(one, atMs + phaseMs, values[i] as number);
  }
  return series.length;
};

const ask = (query: PreparedQuery, atMs: number): void => {
  const answer = query.instant(atMs);
  if (!answer.ok) throw new Error(answer.message);
};

const report = (
  queries: readonly { readonly text: string; readonly ms: number }[],
  storing: number,
  samples: number,
  series: number,
): void => {
  const total = queries.reduce((sum, { ms }) => sum + ms, 0);
  const count = DAY_SECONDS / PERIOD_SECONDS;
  for (const { text, ms } of queries) console.log(`${((ms / count) * 1000).toFixed(0).padStart(6)} us  ${text}`);
  console.log(`\n${series} series, ${samples} samples stored in ${(storing / 1000).toFixed(2)} s`);
  console.log(`${queries.length} queries, ${count} times: ${(total / 1000).toFixed(2)} s`);
};

main();
