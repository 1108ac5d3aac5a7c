import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { startServer } from "../../src/server/server.ts";
import type { SimulationDetail } from "../../src/server/view.ts";
import { parse } from "../exporter/parse.ts";
import { preview, shadow } from "./simulations.ts";
import { start } from "./start.ts";

/** Without anything that fetch adds or undoes. */
const raw = (url: string, headers: Record<string, string> = {}, method = "GET") =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    const asked = request(url, { headers, method }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
      response.on("error", reject);
    });
    asked.on("error", reject).end();
  });

describe("the server", () => {
  it("says that it is alive, and ready only when it is", async () => {
    let why: string | undefined = "lists are not in";
    const { url } = await start([], { notReady: () => why });
    expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
    const early = await fetch(`${url}/readyz`);
    expect([early.status, await early.text()]).toEqual([503, "lists are not in\n"]);
    why = undefined;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it("answers metrics in the format asked for, compressed where taken", async () => {
    const { url } = await start();
    const text = await raw(`${url}/metrics`);
    expect(text.headers).toMatchObject({
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      vary: "accept, accept-encoding",
    });
    expect(parse(text.body.toString(), "text").length).toBeGreaterThan(20);
    const open = await raw(`${url}/metrics`, {
      accept: "application/openmetrics-text;version=1.0.0",
      "accept-encoding": "gzip",
    });
    expect(open.headers).toMatchObject({
      "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
      "content-encoding": "gzip",
    });
    expect(open.body.length).toBeLessThan(text.body.length / 4);
    expect(parse(gunzipSync(open.body).toString(), "openmetrics").length).toBeGreaterThan(20);
  });

  it("lists simulations in short and shows one in full", async () => {
    const { url } = await start([preview(), shadow()]);
    const { simulations } = (await (await fetch(`${url}/api/v1/simulations`)).json()) as {
      simulations: Record<string, unknown>[];
    };
    expect(simulations.map(({ name }) => name)).toEqual(["chat", "chat-shadow"]);
    expect(simulations[0]).toMatchObject({
      mode: "Preview",
      verdict: "Failed",
      kpis: { ttftP99Seconds: { mean: 9.87 } },
    });
    for (const left of ["spec", "status", "mirrored", "runs"]) expect(simulations[0]).not.toHaveProperty(left);
    const detail = (await (await fetch(`${url}/api/v1/simulations/inference/chat`)).json()) as SimulationDetail;
    expect(detail).toEqual(JSON.parse(JSON.stringify(preview())));
  });

  it.each([
    {
      path: "/api/v1/simulations/inference/none",
      status: 404,
      message: "there is no InferenceSimulation inference/none",
    },
    { path: "/api/v1/nothing", status: 404, message: "there is nothing at /api/v1/nothing" },
    { path: "/api/v1/simulations/inference/%E0%A4%A", status: 400, message: "the request can't be read" },
  ])("answers $path with $status and says why", async ({ path, status, message }) => {
    const { url } = await start([preview()]);
    const answer = await fetch(url + path);
    expect([answer.status, await answer.json()]).toEqual([status, { error: { message } }]);
  });

  it.each([
    "/",
    "/metrics",
    "/healthz",
    "/api/v1/simulations",
    "/api/v1/simulations/inference/chat",
    "/simulations/inference/chat",
  ])("takes no other method than GET and HEAD on %s", async (path) => {
    const { url } = await start([preview()]);
    const answer = await fetch(url + path, { method: "POST", body: "{}" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await answer.json()).toEqual({ error: { message: "POST is not possible here" } });
    const head = await raw(url + path, {}, "HEAD");
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  it("sends what keeps browsers careful with every answer", async () => {
    const { url } = await start();
    for (const path of ["/", "/metrics", "/nothing"]) {
      const { headers } = await fetch(url + path);
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'/,
      );
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-powered-by")).toBeNull();
    }
  });

  it("answers a fault of ours with 500, tells it to the log and not to the client, and goes on", async () => {
    const faults: unknown[] = [];
    const { url } = await start([], {
      simulations: () => {
        throw new Error("secret of ours");
      },
      failed: (error) => faults.push(error),
    });
    const answer = await fetch(`${url}/api/v1/simulations`);
    expect([answer.status, await answer.text()]).toEqual([500, '{"error":{"message":"internal error"}}\n']);
    expect(faults).toHaveLength(1);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("cuts an answer that breaks in the middle, so that nobody takes half for the whole", async () => {
    const faults: unknown[] = [];
    async function* broken() {
      yield "half\n";
      throw new Error("broke");
    }
    const { url } = await start([], {
      metrics: async () => ({ contentType: "text/plain", chunks: broken() }),
      failed: (error) => faults.push(error),
    });
    await expect(fetch(`${url}/metrics`).then((answer) => answer.text())).rejects.toThrow();
    expect(faults).toHaveLength(1);
  });

  it("survives clients that hang up in the middle", async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) {
          yield "x".repeat(65_536);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        ended = true;
      }
    }
    const { url } = await start([], { metrics: async () => ({ contentType: "text/plain", chunks: endless() }) });
    const abort = new AbortController();
    const answer = await fetch(`${url}/metrics`, { signal: abort.signal });
    await answer.body?.getReader().read();
    abort.abort();
    await expect.poll(() => ended).toBe(true);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("refuses an address that is taken", async () => {
    const { url } = await start();
    const parts = { port: Number(new URL(url).port), host: "127.0.0.1" };
    await expect(startServer({} as Parameters<typeof startServer>[0], parts)).rejects.toThrow(/EADDRINUSE/);
  });
});
