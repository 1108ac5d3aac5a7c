import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findMetricsPage, type PageRules } from "../../src/operator/metrics-page.ts";
import type { Store } from "../../src/store/store.ts";

const PAGE = 'vllm:cache_config_info{block_size="16",num_gpu_blocks="1000"} 1.0\n';
const root = mkdtempSync(join(tmpdir(), "servetwin-page-"));
const maps = new Map([["ns/pages/replica", PAGE]]);
const store = {
  folder: root,
  configMapKey: async (...key: string[]) => {
    const text = maps.get(key.join("/"));
    return text === undefined ? undefined : Buffer.from(text);
  },
} as unknown as Store;

let replica: Server;
let origin = "";
let ready = true;
beforeAll(async () => {
  writeFileSync(join(root, "replica.prom"), PAGE);
  writeFileSync(join(root, "large.prom"), " ".repeat((1 << 20) + 1));
  replica = createServer((request, response) => {
    if (!ready) return void response.writeHead(503).end();
    if (request.url === "/moved") return void response.writeHead(302, { location: "/metrics" }).end();
    if (request.url === "/endless") {
      const more = setInterval(() => response.write("#".repeat(1 << 18)), 1);
      return void request.on("close", () => clearInterval(more));
    }
    if (request.url === "/large") response.setHeader("content-length", (1 << 20) + 1);
    response.end(request.url === "/large" ? "#".repeat((1 << 20) + 1) : PAGE);
  });
  await new Promise<void>((done) => replica.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(replica.address() as AddressInfo).port}`;
});
afterAll(() => {
  replica.closeAllConnections();
  replica.close();
  rmSync(root, { recursive: true });
});

const find = (said: object, rules: Partial<PageRules> = {}) =>
  findMetricsPage(said, "ns", store, { allowedUrls: [origin], ...rules });

describe("spec.overrides.engine.metricsPage", () => {
  it.each([
    { said: { path: "replica.prom" }, from: "replica.prom" },
    { said: { configMap: { name: "pages", key: "replica" } }, from: "ConfigMap pages/replica" },
    { said: { inline: PAGE }, from: undefined },
  ])("is found: $said", async ({ said, from }) => {
    const found = await find(said);
    expect(found.ok && found.value).toEqual({ text: PAGE, ...(from === undefined ? {} : { from }) });
  });

  it("is fetched from an allowed URL", async () => {
    const found = await find({ url: `${origin}/metrics` });
    expect(found).toMatchObject({ ok: true, value: { text: PAGE, from: `${origin}/metrics` }, warnings: [] });
  });

  it.each([
    [{ path: "../replica.prom" }, "path", "MetricsPageNotFound"],
    [{ path: "/etc/hostname" }, "path", "PathNotAllowed"],
    [{ path: "large.prom" }, "path", "MetricsPageTooLarge"],
    [{ configMap: { name: "pages", key: "other" } }, "configMap", "MetricsPageNotFound"],
    [{ url: "http://elsewhere.example/metrics" }, "url", "UrlNotAllowed"],
    [{ url: "http://[" }, "url", "BadUrl"],
  ])("is refused: %j", async (said, at, reason) => {
    const found = await find(said);
    expect(found.ok ? [] : found.problems).toMatchObject([
      { severity: "error", field: `spec.overrides.engine.metricsPage.${at}`, reason },
    ]);
  });

  it.each([
    ["/large", "more than 1048576"],
    ["/endless", "holds more than 1048576 bytes"],
    ["/moved", "can't be read: unexpected redirect"],
  ])("of a URL is bounded: %s", async (path, says) => {
    const found = await find({ url: `${origin}${path}` });
    expect(found.ok ? "" : found.problems[0]?.message).toContain(says);
  });

  it("stays as it was last while the replica doesn't answer, with a word", async () => {
    const lastPages = new Map<string, string>();
    const url = `${origin}/metrics`;
    const look = () => find({ url }, { lastPages });
    ready = false;
    expect(await look()).toMatchObject({
      ok: false,
      problems: [{ reason: "MetricsPageNotFound", message: `${url} answers 503` }],
    });
    ready = true;
    expect((await look()).ok).toBe(true);
    ready = false;
    const stale = await look();
    ready = true;
    expect(stale).toMatchObject({ ok: true, value: { text: PAGE }, warnings: [{ reason: "MetricsPageNotFound" }] });
  });

  it("remembers a bounded number of URLs", async () => {
    const lastPages = new Map<string, string>();
    for (let i = 0; i < 20; i += 1) await find({ url: `${origin}/metrics?${i}` }, { lastPages });
    expect([lastPages.size, lastPages.has(`${origin}/metrics?19`), lastPages.has(`${origin}/metrics?0`)]).toEqual([
      16,
      true,
      false,
    ]);
  });
});
