import { describe, expect, it } from "vitest";
import { duration, latency, plain } from "../../src/server/amount.ts";
import { chart } from "../../src/server/chart.ts";
import { html, Markup } from "../../src/server/html.ts";
import { detailPage, listPage } from "../../src/server/page.ts";
import { hostile, preview, shadow } from "./simulations.ts";

const context = { version: "1.2.3", assets: "/assets/0", place: "deploy/examples/quickstart", problems: [] };

describe("the page", () => {
  it("shows state, reason, key figures with units and courses of every simulation", () => {
    const page = listPage(context, [preview(), shadow()]);
    for (const text of [
      "simulated, not measured",
      "inference/chat",
      "objectives: Failed",
      "5 runs of 6.00 h simulated; the objectives are not met",
      "<dt>TTFT p99</dt><dd>9.87 s<small>max 31.2 s</small><small>p10 – p90: 8.1 s – 11.3 s</small></dd>",
      "<dt>ITL p50</dt><dd>8.1 ms<small>p99 23.1 ms</small></dd>",
      "<dt>Throughput</dt><dd>4.91 req/s<small>1,030 output tokens/s</small></dd>",
      "<dt>Requests completed</dt><dd>106,012<small>3,135 failed (3,000 shed, 132 expired in the gateway, 3 rejected), 41 in flight</small></dd>",
      "<dt>Replicas, mean</dt><dd>2.37<small>1 to 6</small></dd>",
      "<dt>GPU-hours</dt><dd>14.2<small>7 up, 6 down</small></dd>",
      "follows the wall clock · 1 h 30 min so far",
      'href="/metrics"',
      'href="/api/v1/simulations/inference/chat"',
      "watches deploy/examples/quickstart",
    ]) {
      expect(page).toContain(text);
    }
    expect(page.match(/<svg/g)).toHaveLength(6);
  });

  it("tells the courses as a table, too", () => {
    const page = detailPage(context, preview());
    expect(page).toContain('<th scope="col" class="number">Time to first token, p50</th>');
    const [, table = ""] = /id="courses">([\s\S]*?)<\/section>/.exec(page) ?? [];
    expect(table.match(/<tr>/g)).toHaveLength(61);
    expect(table).toContain("Every 6th bucket of 1 min");
  });

  it("says so while nothing is there, while something runs, and when something can't be read", () => {
    expect(listPage(context, [])).toContain("No simulations yet");
    const running = preview({ phase: "Running", progress: 0.25, kpis: {}, runs: [], conditions: [] });
    expect(listPage(context, [running])).toMatch(/not looked at yet[\s\S]*<progress value="0.250" max="1"/);
    expect(listPage({ ...context, problems: ["hpa.yaml:3: not YAML"] }, [])).toContain("<li>hpa.yaml:3: not YAML</li>");
  });

  it("shows on a simulation's own page where every value comes from", () => {
    const page = detailPage(context, preview());
    expect(page).toContain(
      '<details id="from-Deployment/inference/vllm-llama-8b" open><summary><code>Deployment/inference/vllm-llama-8b</code>',
    );
    expect(page).toContain(
      "<li><code>spec.template.spec.containers[0].args[5]</code> → workloads[0].engine.maxNumSeqs = <strong><code>256</code></strong></li>",
    );
    expect(page).toContain("<li>→ workloads[0].engine.blockSize = <strong><code>16</code></strong></li>");
    expect(page).toContain("3 h 22 min");
    expect(page).toContain("41 requests were in flight at the end");
    expect(page.match(/<svg/g)).toHaveLength(6);
  });

  it("shows the groups, and how many are not shown", () => {
    const page = detailPage(context, preview());
    expect(page).toContain(
      '<tr><td class="soft"></td><td>batch</td><td class="number">12,000</td><td class="number">94,056</td><td class="number">3,132</td>',
    );
    expect(page).toContain("91.3 %");
    expect(page).toContain("3 more with fewer requests");
    expect(detailPage(context, preview({ runs: preview().runs.map(({ groups: _, ...run }) => run) }))).not.toContain(
      "Groups of requests",
    );
  });

  it("shows what is wrong with an autoscaler, and what it did when", () => {
    const page = detailPage(context, preview());
    expect(page).toContain(
      '<td>scale-in cut 12 streams whose clients were still reading<br><span class="soft">streams 12</span></td><td>let pods drain</td>',
    );
    expect(page).toContain(
      '<td>vllm:num_requests_waiting 42 / 10 (truly 55)</td><td class="number">9</td><td class="number">9</td><td>ScaleUpLimit</td><td class="number">2 → 4</td>',
    );
    expect(page).toContain(
      "1,440 syncs, 1 of them here; the JSON has 2, without 1,438 that changed nothing and 0 that did.",
    );
  });

  it("prints nothing from outside as markup", () => {
    for (const page of [
      listPage({ ...context, place: "<b>", problems: ["<b>"] }, [hostile()]),
      detailPage(context, hostile()),
    ]) {
      expect(page.match(/<script/g)).toHaveLength(2);
      expect(page).not.toMatch(/<img|<b>|onerror='/);
    }
  });

  it("asks for nothing outside itself", () => {
    const page = listPage(context, [preview()]) + detailPage(context, preview());
    const targets = [...page.matchAll(/(?:src|href|url)=?[("']+([^"')]*)/g)].map(([, target]) => target);
    expect(targets.length).toBeGreaterThan(5);
    for (const target of targets) expect(target).toMatch(/^(\/(?!\/)|data:,)/);
  });

  it("is the same text for the same state, so that a refresh changes nothing", () => {
    expect(listPage(context, [preview()])).toBe(listPage(context, [preview()]));
  });
});

describe("chart", () => {
  const draw = (values: readonly number[], gaps = false) =>
    chart({
      title: "Waiting",
      atSeconds: values.map((_, i) => i * 60),
      bucketSeconds: 60,
      series: [{ name: "p99", values, gaps }],
      format: plain,
    }).text;

  it("stays inside its frame", () => {
    for (const values of [[0, 0], [1, 1e9], [0.0001, 0.0003], Array.from({ length: 360 }, (_, i) => i)]) {
      const [, path = ""] = /d="([^"]*)"/.exec(draw(values)) ?? [];
      const points = [...path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)];
      expect(points).toHaveLength(values.length);
      for (const [, x, y] of points) {
        expect(Number(x)).toBeGreaterThanOrEqual(46);
        expect(Number(x)).toBeLessThanOrEqual(352);
        expect(Number(y)).toBeGreaterThanOrEqual(8);
        expect(Number(y)).toBeLessThanOrEqual(130);
      }
    }
  });

  it("breaks the line where there was nothing to measure", () => {
    const pens = (text: string) => (/d="([^"]*)"/.exec(text)?.[1] ?? "").match(/M/g)?.length;
    expect(pens(draw([1, 0, 2], true))).toBe(2);
    expect(pens(draw([1, 0, 2]))).toBe(1);
  });

  it("tells in words what it shows", () =>
    expect(draw([1, 5, 3])).toContain('aria-label="Waiting over simulated time. p99: last 3, highest 5"'));
});

describe("amounts", () => {
  it.each([
    [latency(0.0081), "8.1 ms"],
    [latency(0.9996), "1 s"],
    [latency(0.8), "800 ms"],
    [latency(12.345), "12.3 s"],
    [latency(0), "0 s"],
    [duration(0), "0 s"],
    [duration(59.6), "1 min"],
    [duration(5400), "1 h 30 min"],
    [duration(90_061), "1 d 1 h"],
    [plain(1032.4), "1,030"],
  ])("%s is %s", (told, text) => expect(told).toBe(text));

  it("html escapes all but markup", () => {
    expect(html`<i title="${`"'`}">${["<", new Markup("<br>"), undefined, 1]}</i>`.text).toBe(
      '<i title="&quot;&#39;">&lt;<br>1</i>',
    );
  });
});
