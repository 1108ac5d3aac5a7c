import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expose, exposeHistory, type Format } from "../../src/exporter/exposition.ts";
import { History } from "../../src/exporter/history.ts";
import { metricsPage } from "../../src/exporter/metrics-page.ts";
import { type SimulatedSeries, simulatedFamilies } from "../../src/exporter/simulated.ts";
import type { MetricFamily } from "../../src/model/metric-family.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import { replica, view } from "../report/views.ts";
import { parse } from "./parse.ts";

const written = async (families: Iterable<MetricFamily>, format: Format): Promise<string> => {
  let text = "";
  for await (const chunk of expose(families, format)) text += chunk;
  return text;
};

const counter: MetricFamily = {
  name: "vllm:preemptions",
  type: "counter",
  help: "Cumulative.",
  samples: [{ labels: { pod: "a" }, value: 3, createdSeconds: 1.5e9 }],
};
const gauge: MetricFamily = { name: "up", type: "gauge", help: "Is it?", samples: [{ labels: {}, value: 1 }] };
const histogram: MetricFamily = {
  name: "wait_seconds",
  type: "histogram",
  help: "How long.",
  samples: [{ labels: { pod: "a" }, value: { bounds: [0.5, 1], counts: [1, 2, 3], sum: 12.5 }, createdSeconds: 1.5e9 }],
};

describe("expose", () => {
  it("writes the text format as prometheus_client does", async () => {
    expect(await written([counter, gauge, histogram], "text")).toBe(`# HELP vllm:preemptions_total Cumulative.
# TYPE vllm:preemptions_total counter
vllm:preemptions_total{pod="a"} 3.0
# HELP up Is it?
# TYPE up gauge
up 1.0
# HELP wait_seconds How long.
# TYPE wait_seconds histogram
wait_seconds_bucket{pod="a",le="0.5"} 1.0
wait_seconds_bucket{pod="a",le="1.0"} 3.0
wait_seconds_bucket{pod="a",le="+Inf"} 6.0
wait_seconds_count{pod="a"} 6.0
wait_seconds_sum{pod="a"} 12.5
`);
  });

  it("writes OpenMetrics with family names, creation times and an end", async () => {
    expect(await written([counter, histogram], "openmetrics")).toBe(`# HELP vllm:preemptions Cumulative.
# TYPE vllm:preemptions counter
vllm:preemptions_total{pod="a"} 3.0
vllm:preemptions_created{pod="a"} 1.5e+09
# HELP wait_seconds How long.
# TYPE wait_seconds histogram
wait_seconds_bucket{pod="a",le="0.5"} 1.0
wait_seconds_bucket{pod="a",le="1.0"} 3.0
wait_seconds_bucket{pod="a",le="+Inf"} 6.0
wait_seconds_count{pod="a"} 6.0
wait_seconds_sum{pod="a"} 12.5
wait_seconds_created{pod="a"} 1.5e+09
# EOF
`);
  });

  it("ends even when there is nothing to say", async () => {
    expect([await written([], "text"), await written([], "openmetrics")]).toEqual(["", "# EOF\n"]);
  });

  const anyText = fc.string({ unit: fc.constantFrom("a", "\\", '"', "\n", "{", "}", ",", "=", "é", "😀", " ") });
  const anyFamilies = fc.uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-z]{1,6}:[a-z]{1,6}$/),
      help: anyText,
      value: fc.double({ noNaN: true }),
      labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), anyText, { maxKeys: 3 }),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
  );

  it.each(["text", "openmetrics"] as const)(
    "is read back from %s as it was, whatever the labels and help say",
    async (format) => {
      await fc.assert(
        fc.asyncProperty(anyFamilies, async (all) => {
          const families = all.map(
            ({ name, help, value, labels }): MetricFamily => ({
              name,
              type: "gauge",
              help,
              samples: [{ labels, value }],
            }),
          );
          const parsed = parse(await written(families, format), format);
          expect(parsed).toEqual(
            families.map(({ name, help, samples }) => ({
              name,
              type: "gauge",
              help,
              samples: samples.map(({ labels, value }) => ({ name, labels, value, text: expect.any(String) })),
            })),
          );
        }),
      );
    },
  );

  it("gives way to others every 64 KiB or so", async () => {
    const samples = Array.from({ length: 20_000 }, (_, i) => ({ labels: { pod: `pod-${i}` }, value: i }));
    const sizes: number[] = [];
    let turns = 0;
    const others = setInterval(() => (turns += 1), 0);
    for await (const chunk of expose([{ ...gauge, samples }], "text")) sizes.push(chunk.length);
    clearInterval(others);
    expect(Math.max(...sizes)).toBeLessThan(80_000);
    expect(sizes.length).toBeGreaterThan(5);
    expect(turns).toBeGreaterThan(0);
  });
});

describe("simulated series", () => {
  const series = (over: Partial<SimulatedSeries> = {}): SimulatedSeries => ({
    naming: "Prefixed",
    simulation: "inference/chat",
    scenario: "baseline",
    labels: {},
    families: familiesOf(view(0, [replica()])),
    ...over,
  });

  const page = async (all: readonly SimulatedSeries[], accept?: string): Promise<string> => {
    let text = "";
    for await (const chunk of metricsPage(all, [gauge], accept).chunks) text += chunk;
    return text;
  };

  it("carry prefix, origin, simulation and scenario, every one of them", async () => {
    for (const { name, samples } of parse(await page([series()]), "text")) {
      if (name === "up") continue;
      expect(name).toMatch(/^sim:(vllm:|kube_)/);
      for (const { labels } of samples)
        expect(labels).toMatchObject({ origin: "simulated", simulation: "inference/chat", scenario: "baseline" });
    }
  });

  it("of several simulations stand under one HELP and TYPE", async () => {
    const text = await page([
      series(),
      series({ simulation: "inference/code" }),
      series({ naming: "Production", simulation: "inference/own" }),
    ]);
    const families = parse(text, "text");
    const simulationsOf = (name: string) =>
      families.find((family) => family.name === name)?.samples.map(({ labels }) => labels.simulation);
    expect(simulationsOf("sim:vllm:num_requests_running")).toEqual(["inference/chat", "inference/code"]);
    expect(simulationsOf("vllm:num_requests_running")).toEqual(["inference/own"]);
    expect(families.find(({ name }) => name === "vllm:num_requests_running")?.samples[0]?.labels.origin).toBe(
      "simulated",
    );
  });

  it("never lose their own labels to the user's", () => {
    const [family] = simulatedFamilies([
      series({ labels: { pod: "mine", team: "a", origin: "mine", simulation: "mine" } }),
    ]);
    expect(family?.samples[0]?.labels).toMatchObject({
      pod: "chat-0",
      team: "a",
      origin: "simulated",
      simulation: "inference/chat",
    });
  });

  it("read the same in both formats", async () => {
    const numbers = (text: string, format: Format) =>
      parse(text, format)
        .flatMap(({ samples }) => samples)
        .map(({ name, labels, value }) => [name, labels, value]);
    const open = await page([series()], "application/openmetrics-text; version=1.0.0");
    expect(numbers(open, "openmetrics")).toEqual(numbers(await page([series()]), "text"));
    expect(metricsPage([], [], "application/openmetrics-text").contentType).toBe(
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    expect(metricsPage([], [], undefined).contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  });
});

describe("exposeHistory", () => {
  it("writes one series after the other, each value with its instant, and those that come later at their family", () => {
    const history = new History();
    const later = { ...gauge, samples: [...gauge.samples, { labels: { pod: "b" }, value: 0 }] };
    history.add([counter, gauge], 1_700_000_000_000);
    history.add([histogram, later], 1_700_000_015_250);
    expect(history.samples).toBe(1 + 1 + 5 + 2);
    expect([...exposeHistory(history)].join("")).toBe(`# HELP vllm:preemptions Cumulative.
# TYPE vllm:preemptions counter
vllm:preemptions_total{pod="a"} 3.0 1700000000.000
# HELP up Is it?
# TYPE up gauge
up 1.0 1700000000.000
up 1.0 1700000015.250
up{pod="b"} 0.0 1700000015.250
# HELP wait_seconds How long.
# TYPE wait_seconds histogram
wait_seconds_bucket{pod="a",le="0.5"} 1.0 1700000015.250
wait_seconds_bucket{pod="a",le="1.0"} 3.0 1700000015.250
wait_seconds_bucket{pod="a",le="+Inf"} 6.0 1700000015.250
wait_seconds_count{pod="a"} 6.0 1700000015.250
wait_seconds_sum{pod="a"} 12.5 1700000015.250
# EOF
`);
  });
});
