import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { expose } from "../../src/exporter/exposition.ts";
import type { MetricFamily } from "../../src/model/metric-family.ts";
import { familiesOf, replicaMetrics } from "../../src/report/metrics/index.ts";
import { NOT_SIMULATED } from "../../src/report/not-simulated.ts";
import { seconds } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { SIMULATED_SERIES } from "../../src/twin/simulated-series.ts";
import { World } from "../../src/twin/world.ts";
import { keda, node, pendingPod, view } from "../report/views.ts";
import { chat, scenario, waitingHpa, workload } from "../twin/scenario-fixture.ts";
import { type ParsedFamily, parse } from "./parse.ts";

/** vLLM's bounds depend on the longest context: these hold from 10 000 up to 20 000 tokens. */
const MAX_MODEL_LEN = 16_384;

const said: Scenario = scenario({
  workloads: [workload({ engine: { ...workload().engine, maxModelLen: MAX_MODEL_LEN } })],
  autoscalers: [waitingHpa(1, { maxReplicas: 3 })],
  traffic: {
    kind: "synthetic",
    synthetic: chat(15, { pattern: [{ shape: "spike", at: "1m", duration: "3m", factor: 5 }] }),
  },
});

/** What a scrape shows every half minute, over a scale-out and back. */
const scrapes = (): MetricFamily[][] => {
  const world = new World(said, () => undefined);
  const pages: MetricFamily[][] = [];
  let next = 0;
  while (world.next !== undefined) {
    if (world.next >= next) {
      pages.push(familiesOf(world.view(), 1_700_000_000));
      next += seconds(30);
    }
    world.step();
  }
  return pages;
};

const pages = scrapes();
const text = async (families: readonly MetricFamily[], format: "text" | "openmetrics"): Promise<string> => {
  let all = "";
  for await (const chunk of expose(families, format)) all += chunk;
  return all;
};

/** `name type labels bounds`, as the table has it; labels without those of the place. */
const line = ({ name, type, samples }: ParsedFamily): string => {
  const PLACE = ["namespace", "pod", "container", "le"];
  const labels = [...new Set(samples.flatMap((one) => Object.keys(one.labels)))].filter(
    (label) => !PLACE.includes(label),
  );
  const bounds = [...new Set(samples.flatMap(({ labels: { le } }) => le ?? []))];
  return `${name} ${type} ${labels.sort().join(",")} ${bounds.join(" ")}`.trim();
};

const RECORDED = new URL("../../../shared/expositions/vllm/vllm_v1_2026-05_live_h100_inferguard.prom", import.meta.url);
const TABLE = new URL("families.txt", import.meta.url);

describe("an engine's page", () => {
  let ours: readonly ParsedFamily[];
  beforeAll(async () => {
    ours = parse(await text(pages.at(-1) ?? [], "text"), "text").filter(({ name }) => name.startsWith("vllm:"));
  });

  it("has the families, types, labels and bounds of the table", () => {
    const table = readFileSync(TABLE, "utf8")
      .split("\n")
      .filter((row) => row !== "" && !row.startsWith("#"));
    expect(ours.map(line).sort()).toEqual(table);
  });

  it.skipIf(!existsSync(RECORDED))("has those of a page recorded from vLLM (needs ../shared/expositions)", () => {
    const recorded = recordedFamilies(readFileSync(RECORDED, "utf8"));
    const notSimulated = NOT_SIMULATED.flatMap(({ names }) => names);
    // Since v0.29.
    const later = ["vllm:admission_rejections_total"];
    const shown = new Map(ours.map((family) => [family.name, line(family)]));
    expect(recorded.size).toBeGreaterThan(30);
    for (const [name, row] of recorded) {
      if (name === "vllm:cache_config_info" || notSimulated.includes(name)) continue;
      expect(shown.get(name)).toBe(row);
    }
    expect([...shown.keys()].filter((name) => !recorded.has(name))).toEqual(later);
    const info = recorded.get("vllm:cache_config_info")?.split(/[ ,]/) ?? [];
    for (const label of shown.get("vllm:cache_config_info")?.split(/[ ,]/) ?? []) expect(info).toContain(label);
  });
});

/** As prometheus_client's own pages are: `_created` series as gauges of their own, which OpenMetrics has otherwise. */
const recordedFamilies = (page: string): ReadonlyMap<string, string> => {
  const lines = page.split("\n").filter((row) => !row.includes("_created"));
  const kept = lines.filter((row) => /^(# (HELP|TYPE) )?vllm:/.test(row));
  return new Map(parse(`${kept.join("\n")}\n`, "text").map((family) => [family.name, line(family)]));
};

describe("pages over a run that scales", () => {
  const perSeries = (families: readonly MetricFamily[]) =>
    new Map(
      families
        .filter(({ type }) => type !== "gauge")
        .flatMap(({ name, samples }) =>
          samples.map(({ labels, value }): [string, readonly number[]] => [
            `${name} ${JSON.stringify(labels)}`,
            typeof value === "number" ? [value] : [...value.counts, value.sum],
          ]),
        ),
    );
  const podsOf = (families: readonly MetricFamily[]) =>
    new Set(families.flatMap(({ samples }) => samples.flatMap(({ labels: { pod } }) => pod ?? [])));

  it("counters and buckets never fall", () => {
    let compared = 0;
    pages.slice(1).forEach((page, i) => {
      const before = perSeries(pages[i] as MetricFamily[]);
      for (const [series, values] of perSeries(page)) {
        (before.get(series) ?? []).forEach((was, part) => {
          compared += 1;
          if ((values[part] as number) < was) throw new Error(`${series} fell from ${was} to ${values[part]}`);
        });
      }
    });
    expect(compared).toBeGreaterThan(1000);
  });

  it("series of a pod come and go with it", () => {
    const counts = pages.map((page) => podsOf(page).size);
    expect(Math.max(...counts)).toBeGreaterThan(Math.min(...counts));
    const all = new Set(pages.flatMap((page) => [...podsOf(page)]));
    expect(all.size).toBeGreaterThan(2);
  });

  it("counters and histograms say in OpenMetrics when they began", async () => {
    const families = parse(await text(pages.at(-1) ?? [], "openmetrics"), "openmetrics");
    for (const { name, type, samples } of families.filter((family) => family.name.startsWith("vllm:")))
      expect([name, samples.some((sample) => sample.name === `${name}_created`)]).toEqual([name, type !== "gauge"]);
  });
});

describe("the list of simulated series", () => {
  it("holds whatever a page shows, and nothing that is told as not simulated", async () => {
    const cluster = familiesOf({ ...view(0, []), nodes: [node], pods: [pendingPod], keda });
    const busy = (pages.at(-1) ?? []).filter(({ name }) => !cluster.some((one) => one.name === name));
    const shown = parse(await text([...cluster, ...busy], "text"), "text");
    const names = new Set(shown.flatMap(({ samples }) => samples.map(({ name }) => name)));
    expect([...names].filter((name) => !SIMULATED_SERIES.includes(name))).toEqual([]);
    expect(SIMULATED_SERIES.length).toBeGreaterThan(replicaMetrics.length);
    const missing = NOT_SIMULATED.flatMap((one) => one.names);
    expect(new Set(missing).size).toBe(missing.length);
    expect(missing.filter((name) => SIMULATED_SERIES.includes(name))).toEqual([]);
  });
});
