import { readFileSync } from "node:fs";
import * as yaml from "js-yaml";
import { describe, expect, it } from "vitest";
import { BAND_METRIC } from "../../src/report/bands.ts";
import { seriesNamesOf } from "../../src/report/metrics/index.ts";
import { SIMULATED_SERIES } from "../../src/twin/simulated-series.ts";
import { ownMetrics } from "../generate.ts";
import { DASHBOARDS } from "./index.ts";
import { lint, panelsOf, queriesOf, seriesOf } from "./lint.ts";

const own = ownMetrics(true);

describe.each(Object.entries(DASHBOARDS))("dashboard %s", (_, dashboard) => {
  it("satisfies the linter", () => expect(lint(dashboard)).toEqual([]));

  it("asks for series that there are", async () => {
    const exported = (await own.described()).flatMap(({ name, type }) =>
      type === "histogram" ? seriesNamesOf({ name, type }) : [name],
    );
    const simulated = [...SIMULATED_SERIES, BAND_METRIC.name];
    const known = new Set([...exported, ...simulated, ...simulated.map((name) => `sim:${name}`)]);
    const read = queriesOf(dashboard).flatMap(({ expr }) => seriesOf(expr));
    expect(read.length).toBeGreaterThan(4);
    expect(read.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe("manifests", () => {
  const read = (path: string): Manifest[] =>
    yaml.loadAll(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")) as Manifest[];
  const maps = read("deploy/grafana/config-maps.yaml");

  it("hold every dashboard, where Grafana's sidecar looks, in what etcd takes", () => {
    expect(maps.map(({ kind, metadata }) => [kind, metadata.labels?.grafana_dashboard])).toEqual(
      Object.keys(DASHBOARDS).map(() => ["ConfigMap", "1"]),
    );
    const told = maps.flatMap(({ data = {} }) => Object.values(data));
    expect(told.map((text) => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(Object.values(DASHBOARDS))));
    for (const text of told) expect(text.length).toBeLessThan(1_000_000);
  });

  it("of grafana-operator name a ConfigMap and key that there are", () => {
    const named = read("deploy/grafana/grafana-dashboards.yaml").map(({ spec }) => spec?.configMapRef);
    expect(named).toEqual(maps.map(({ metadata, data = {} }) => ({ name: metadata.name, key: Object.keys(data)[0] })));
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly configMapRef: { readonly name: string; readonly key: string } };
}

describe("the linter", () => {
  const one = DASHBOARDS.gateway as NonNullable<(typeof DASHBOARDS)[string]>;
  const [panel] = panelsOf(one);
  it.each([
    ["a title", { title: "" }, "a panel needs a title"],
    ["a description", { description: "" }, "needs a description"],
    ["a query", { targets: [] }, "needs a query"],
    ["a rate", { targets: [{ expr: "sum(x_total)", datasource: panel?.datasource }] }, "a counter without rate"],
    ["the interval", { targets: [{ expr: "rate(x_total[5m])", datasource: panel?.datasource }] }, "$__rate_interval"],
    ["PromQL", { targets: [{ expr: "sum(", datasource: panel?.datasource }] }, "sum("],
  ])("misses %s", (_, over, message) => {
    const wrong = { ...one, panels: [{ ...panel, ...over }] } as typeof one;
    expect(lint(wrong).join("\n")).toContain(message);
  });
});
