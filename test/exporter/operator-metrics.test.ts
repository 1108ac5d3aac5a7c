import { describe, expect, it } from "vitest";
import { expose } from "../../src/exporter/exposition.ts";
import { OperatorMetrics, type OperatorState } from "../../src/exporter/operator-metrics.ts";
import { type ParsedFamily, parse } from "./parse.ts";

const idle: OperatorState = {
  leading: true,
  workers: { active: 0, most: 4 },
  queue: { waiting: { edit: 0, resync: 0 }, unfinishedSeconds: 0, longestSeconds: 0 },
  pendingSamples: 0,
  simulations: [],
};

const page = async (metrics: OperatorMetrics, format: "text" | "openmetrics" = "text"): Promise<ParsedFamily[]> => {
  let text = "";
  for await (const chunk of expose(await metrics.families(), format)) text += chunk;
  return parse(text, format);
};

const value = (
  families: readonly ParsedFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined =>
  families
    .flatMap(({ samples }) => samples)
    .find(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, wanted]) => sample.labels[label] === wanted),
    )?.value;

describe("OperatorMetrics", () => {
  it("count what is told, under controller-runtime's names", async () => {
    const metrics = new OperatorMetrics(() => idle, { version: "1.2.3" }, false);
    metrics.reconciled("success", 0.02);
    metrics.reconciled("error", 3);
    metrics.queueAdded();
    metrics.queueRetried();
    metrics.queueTook(0.5);
    metrics.queueDone(0.25);
    metrics.requested("200", "GET", "127.0.0.1:6443");
    metrics.previewTook(7);
    metrics.refused();
    metrics.admitted("/validate", 200, 0.3);
    const families = await page(metrics);
    expect(
      value(families, "controller_runtime_reconcile_total", { controller: "inferencesimulation", result: "success" }),
    ).toBe(1);
    expect(value(families, "controller_runtime_reconcile_total", { result: "requeue" })).toBe(0);
    expect(value(families, "controller_runtime_reconcile_errors_total")).toBe(1);
    expect(value(families, "controller_runtime_reconcile_time_seconds_bucket", { le: "0.025" })).toBe(1);
    expect(value(families, "controller_runtime_reconcile_time_seconds_count")).toBe(2);
    expect(value(families, "controller_runtime_reconcile_time_seconds_sum")).toBe(3.02);
    expect(value(families, "workqueue_adds_total", { name: "inferencesimulation" })).toBe(1);
    expect(value(families, "workqueue_retries_total")).toBe(1);
    expect(value(families, "workqueue_queue_duration_seconds_sum")).toBe(0.5);
    expect(value(families, "workqueue_work_duration_seconds_bucket", { le: "1.0" })).toBe(1);
    expect(value(families, "rest_client_requests_total", { code: "200", method: "GET", host: "127.0.0.1:6443" })).toBe(
      1,
    );
    expect(value(families, "controller_runtime_terminal_reconcile_errors_total")).toBe(1);
    const webhook = { webhook: "/validate", code: "200" };
    expect(value(families, "controller_runtime_webhook_requests_total", webhook)).toBe(1);
    expect(value(families, "controller_runtime_webhook_latency_seconds_bucket", { ...webhook, le: "0.5" })).toBe(1);
    expect(value(families, "servetwin_preview_seconds_bucket", { le: "10.0" })).toBe(1);
    expect(value(families, "servetwin_build_info", { version: "1.2.3" })).toBe(1);
  });

  it("ask for the present state at each scrape, and forget what is gone", async () => {
    let state: OperatorState = {
      leading: false,
      workers: { active: 3, most: 4 },
      queue: { waiting: { edit: 4, resync: 9 }, unfinishedSeconds: 2, longestSeconds: 1.5 },
      pendingSamples: 0,
      simulations: [
        { simulation: "a/one", mode: "Preview", phase: "Succeeded" },
        { simulation: "a/two", mode: "Preview", phase: "Succeeded" },
        { simulation: "a/three", mode: "Shadow", phase: "Following", lagSeconds: 0.25 },
      ],
    };
    const metrics = new OperatorMetrics(() => state, { version: "0" }, false);
    const before = await page(metrics);
    expect(value(before, "servetwin_simulations", { mode: "Preview", phase: "Succeeded" })).toBe(2);
    expect(value(before, "servetwin_shadow_lag_seconds", { simulation: "a/three" })).toBe(0.25);
    expect(value(before, "leader_election_master_status", { name: "servetwin" })).toBe(0);
    expect(value(before, "workqueue_depth", { controller: "inferencesimulation", priority: "0" })).toBe(4);
    expect(value(before, "workqueue_depth", { priority: "-100" })).toBe(9);
    expect(value(before, "controller_runtime_active_workers")).toBe(3);
    expect(value(before, "controller_runtime_max_concurrent_reconciles")).toBe(4);
    expect(value(before, "workqueue_longest_running_processor_seconds")).toBe(1.5);
    state = idle;
    const after = await page(metrics);
    expect(value(after, "servetwin_simulations", { mode: "Preview" })).toBeUndefined();
    expect(value(after, "servetwin_shadow_lag_seconds")).toBeUndefined();
    expect(value(after, "leader_election_master_status")).toBe(1);
  });

  it("read the same in text after OpenMetrics was asked for", async () => {
    const metrics = new OperatorMetrics(() => idle, { version: "0" }, false);
    metrics.queueAdded();
    const text = await page(metrics);
    expect(value(await page(metrics, "openmetrics"), "workqueue_adds_total")).toBe(1);
    expect(await page(metrics)).toEqual(text);
  });

  it("tell of the process, validly", async () => {
    const metrics = new OperatorMetrics(() => idle, { version: "0" });
    expect(value(await page(metrics), "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    await page(metrics, "openmetrics");
  });

  it("can describe themselves", async () => {
    const described = await new OperatorMetrics(() => idle, { version: "0" }, false).described();
    expect(described).toContainEqual({
      name: "controller_runtime_reconcile_total",
      type: "counter",
      help: "Total number of reconciliations per controller",
      labels: ["controller", "result"],
    });
    expect(described.every(({ help, type }) => help !== "" && ["counter", "gauge", "histogram"].includes(type))).toBe(
      true,
    );
  });
});
