import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Labels, prepare, RuleGroup, type RuleGroupSpec, type RuleSpec, Store } from "../../src/promql/index.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import type { GeneratedSeries } from "./generated-series.ts";
import { remoteWrite } from "./remote-write.ts";

/** A real Prometheus evaluates rules over samples that were all sent to it before their time; then we do, at the same moments. */
const SECONDS = 24;
/** Between the start of the server and the first sample. */
const LEAD_MS = 6000;

const record = (name: string, expr: string, labels: Record<string, string> = {}): RuleSpec => ({
  record: name,
  expr,
  labels,
});

const alert = (name: string, expr: string, forMs: number, keepFiringForMs: number, labels: Record<string, string>) => ({
  alert: name,
  expr,
  forMs,
  keepFiringForMs,
  labels,
});

const GROUPS: readonly Omit<RuleGroupSpec, "file">[] = [
  {
    name: "fast",
    intervalMs: 1000,
    queryOffsetMs: 0,
    limit: 0,
    rules: [
      record("fast:tick", "vector(1)"),
      record("queue:max", "max(queue)"),
      record("queue:busy", "queue > 5", { team: "serving", job: "" }),
      record("queue:share", "sum(queue:busy) / queue:max"),
      record("requests:rate", "rate(requests_total[10s])"),
      record("queue:wrong", "queue * on () group_left queue"),
      record("queue:same", "queue", { pod: "x" }),
      record("queue:scalar", "scalar(queue:max)"),
      alert("Full", "queue > 5", 2000, 0, { severity: "page", of: "pod {{ $labels.pod }}", job: "" }),
      alert("Held", "queue > 6", 1000, 3000, {}),
      alert("Now", "queue:busy", 0, 0, { none: "{{ .Labels.none }}" }),
    ],
  },
  {
    name: "slow",
    intervalMs: 3000,
    queryOffsetMs: 2000,
    limit: 2,
    rules: [
      record("slow:tick", "vector(1)"),
      record("slow:all", "queue"),
      record("slow:busy", "count(queue:busy)"),
      alert("Many", "queue", 0, 0, {}),
    ],
  },
];

const yamlOf = ({ name, intervalMs, queryOffsetMs, limit, rules }: (typeof GROUPS)[number]) => ({
  name,
  interval: `${intervalMs}ms`,
  query_offset: `${queryOffsetMs}ms`,
  limit,
  rules: rules.map((rule) =>
    "record" in rule
      ? rule
      : {
          alert: rule.alert,
          expr: rule.expr,
          for: `${rule.forMs}ms`,
          keep_firing_for: `${rule.keepFiringForMs}ms`,
          labels: rule.labels,
        },
  ),
});

/** One sample per second; `b` ends half-way. */
const inputOf = (firstMs: number): readonly GeneratedSeries[] => {
  const series = (labels: Record<string, string>, value: (i: number) => number | "stale" | undefined) => ({
    labels: { job: "vllm", ...labels },
    samples: Array.from({ length: SECONDS + 5 }, (_, i) => ({ atMs: firstMs + 1000 * i, value: value(i) })).filter(
      (sample): sample is { atMs: number; value: number | "stale" } => sample.value !== undefined,
    ),
  });
  const half = Math.floor(SECONDS / 2);
  return [
    series({ __name__: "queue", pod: "a" }, (i) => i % 8),
    series({ __name__: "queue", pod: "b" }, (i) => (i < half ? 6 : i === half ? "stale" : undefined)),
    series({ __name__: "queue", pod: "c" }, (i) => (i * 5) % 9),
    series({ __name__: "requests_total", pod: "a" }, (i) => i * i),
  ];
};

let prometheus: Prometheus;
beforeAll(async () => {
  prometheus = await startPrometheus({
    remoteWriteReceiver: true,
    rules: JSON.stringify({ groups: GROUPS.map(yamlOf) }),
  });
});
afterAll(async () => await prometheus?.stop());

interface Row {
  readonly metric: Record<string, string>;
  readonly values?: readonly (readonly [number, string])[];
}

const ask = async (path: string, parameters: Record<string, string> = {}) => {
  const { body } = await request(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  return ((await body.json()) as { data: { result: Row[]; groups: { name: string; file: string }[] } }).data;
};

const GIVEN = '{__name__=~"queue:.+|slow:.+|fast:.+|requests:.+|ALERTS.*"}';

it("gives the series that a real Prometheus gives, at the moments at which it does", async () => {
  const firstMs = Math.ceil((Date.now() + LEAD_MS) / 1000) * 1000;
  const lastMs = firstMs + SECONDS * 1000;
  const input = inputOf(firstMs);
  await remoteWrite(prometheus.url, input);
  expect(Date.now()).toBeLessThan(firstMs);
  await sleep(lastMs - Date.now() + 1500);
  const { groups: files } = await ask("rules");
  const { result: theirs } = await ask("query", { query: `${GIVEN}[2m]`, time: String(lastMs / 1000) });
  const timesOf = (name: string): readonly number[] =>
    (theirs.find(({ metric }) => metric["__name__"] === name)?.values ?? []).map(([time]) => Math.round(time * 1000));

  const store = new Store({ retentionMs: 600_000 });
  const groups = GROUPS.map((one) => {
    const file = files.find(({ name }) => name === one.name)?.file ?? "";
    return new RuleGroup({ ...one, file }, store);
  });
  const moments = groups
    .flatMap((group) =>
      timesOf(`${group.spec.name}:tick`).map((time) => ({ group, atMs: time + group.spec.queryOffsetMs })),
    )
    .sort((a, b) => a.atMs - b.atMs);
  expect(moments.length).toBeGreaterThan(SECONDS);
  expect(moments.filter(({ group, atMs }) => group.next(atMs - 1) !== atMs)).toEqual([]);

  const samples = input
    .flatMap(({ labels, samples: own }) => own.map((sample) => ({ series: Labels.of(labels), ...sample })))
    .sort((a, b) => a.atMs - b.atMs);
  const failed = new Set<string>();
  let told = 0;
  for (const { group, atMs } of moments) {
    for (; (samples[told]?.atMs ?? Infinity) <= atMs; told += 1) {
      const { series, atMs: sampleMs, value } = samples[told] as (typeof samples)[number];
      if (value === "stale") store.end(store.series(series), sampleMs);
      else store.append(store.series(series), sampleMs, value);
    }
    for (const { index } of group.evaluate(atMs)) failed.add(`${group.spec.name} ${index}`);
  }
  expect([...failed].sort()).toEqual(["fast 5", "fast 6", "slow 1", "slow 3"]);

  // A server that has just started keeps alerts back; from its first on they have to be there.
  const alertTimes = theirs
    .filter(({ metric }) => metric["__name__"] === "ALERTS")
    .flatMap(({ values = [] }) => values);
  const alertsFromMs = Math.min(...alertTimes.map(([time]) => Math.round(time * 1000)));
  expect(alertsFromMs).toBeLessThan(firstMs + 8000);
  const pointsOf = (name: string, values: readonly (readonly [number, number])[]) =>
    values.filter(([time]) => !name.startsWith("ALERTS") || time >= alertsFromMs);

  const prepared = prepare(`${GIVEN}[2m]`, store);
  const answer = prepared.ok ? prepared.query.instant(lastMs) : undefined;
  if (answer?.ok !== true || answer.value.kind !== "matrix") throw new Error("no matrix");
  const ours = answer.value.series.flatMap(({ labels, points }) => {
    const kept = pointsOf(
      labels.name,
      points.map(({ atMs, value }) => [atMs, value] as const),
    );
    return kept.length === 0 ? [] : [[String(labels), kept] as const];
  });
  const wanted = theirs.map(({ metric, values = [] }) => [
    String(Labels.of(metric)),
    values.map(([time, value]) => [Math.round(time * 1000), Number(value)]),
  ]);
  expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(wanted));
  expect(ours.length).toBeGreaterThan(20);

  // Who is there between the evaluations tells where series ended.
  const present = prepare(GIVEN, store);
  if (!present.ok) throw new Error(present.message);
  for (let atMs = alertsFromMs + 500; atMs < lastMs - 4000; atMs += 500) {
    const there = (await ask("query", { query: GIVEN, time: String(atMs / 1000) })).result;
    const here = present.query.instant(atMs);
    if (!here.ok || here.value.kind !== "vector") throw new Error("no vector");
    const keys = here.value.samples.map(({ labels }) => String(labels)).sort();
    expect(keys, `at ${atMs - firstMs} ms`).toEqual(there.map(({ metric }) => String(Labels.of(metric))).sort());
  }
});
