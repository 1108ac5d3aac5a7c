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
    for (const left of ["spec", "status", "mirrored", "derivation", "sweep", "runs"])
      expect(simulations[0]).not.toHaveProperty(left);
    const detail = (await (await fetch(`${url}/api/v1/simulations/inference/chat`)).json()) as SimulationDetail;
    expect(detail).toEqual(JSON.parse(JSON.stringify(preview())));
  });

  it("lists page by page, and leaves none out when one goes meanwhile", async () => {
    const names = ["a", "a-b", "b", "c", "d"];
    const simulations = names.map((name) => preview({ name }));
    const { url } = await start(simulations);
    const ask = async (query: string) => {
      const answer = (await (await fetch(`${url}/api/v1/simulations?${query}`)).json()) as {
        simulations: { name: string }[];
        continue?: string;
      };
      return { names: answer.simulations.map(({ name }) => name), next: answer.continue };
    };
    const first = await ask("limit=2");
    expect(first).toEqual({ names: ["a", "a-b"], next: "inference/a-b" });
    simulations.splice(1, 1);
    expect(await ask(`limit=2&continue=${encodeURIComponent(String(first.next))}`)).toEqual({
      names: ["b", "c"],
      next: "inference/c",
    });
    expect(await ask("continue=inference/c")).toEqual({ names: ["d"], next: undefined });
    const page = await (await fetch(`${url}/?limit=2`)).text();
    expect(page).toContain('<a href="/?continue=inference%2Fb" rel="next">');
  });

  it("lets browsers keep script and style sheet for good, by addresses that change with them", async () => {
    const { url } = await start([preview()]);
    const page = await (await fetch(url)).text();
    const addresses = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, address]) => String(address));
    expect(addresses).toHaveLength(2);
    for (const address of addresses) {
      const answer = await fetch(url + address);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([
        200,
        "public, max-age=31536000, immutable",
      ]);
    }
    const other = String(addresses[0]).replace(/assets\/\w+/, "assets/0123");
    expect((await fetch(url + other)).status).toBe(404);
  });

  it("sends nothing again that didn't change", async () => {
    const simulations = [preview()];
    const { url } = await start(simulations);
    for (const path of [
      "/",
      "/simulations/inference/chat",
      "/api/v1/simulations",
      "/api/v1/simulations/inference/chat",
    ]) {
      const first = await raw(url + path);
      const tag = { "if-none-match": String(first.headers.etag) };
      const again = await raw(url + path, tag);
      expect([first.status, again.status, again.body.length]).toEqual([200, 304, 0]);
      simulations[0] = preview({ phase: `not ${simulations[0]?.phase}` });
      expect((await raw(url + path, tag)).status).toBe(200);
    }
  });

  it.each([
    {
      path: "/api/v1/simulations/inference/none",
      status: 404,
      message: "there is no InferenceSimulation inference/none",
    },
    { path: "/api/v1/nothing", status: 404, message: "there is nothing at /api/v1/nothing" },
    { path: "/api/v1/simulations/inference/%E0%A4%A", status: 400, message: "the request can't be read" },
    {
      path: `/api/v1/simulations/inference/${"a".repeat(254)}`,
      status: 400,
      message: `name is "${"a".repeat(80)}"; write 1 to 253 characters`,
    },
    {
      path: "/api/v1/simulations?limit=0",
      status: 400,
      message: 'limit is "0"; write a whole number from 1 to 500',
    },
    {
      path: "/api/v1/simulations?limit=501",
      status: 400,
      message: 'limit is "501"; write a whole number from 1 to 500',
    },
    {
      path: "/api/v1/simulations?limit=1&limit=2",
      status: 400,
      message: "limit is given more than once; write it once",
    },
    {
      path: "/api/v1/simulations?continue=chat",
      status: 400,
      message: 'continue is "chat"; write namespace/name, as the answer before gave it',
    },
    {
      path: "/api/v1/simulations?page=2",
      status: 400,
      message: "page is no parameter here; write limit or continue",
    },
  ])("answers $path with $status and says why", async ({ path, status, message }) => {
    const { url } = await start([preview()]);
    const answer = await fetch(url + path);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { type: "about:blank", title: status === 404 ? "Not Found" : "Bad Request", status, detail: message },
    ]);
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
    expect(await answer.json()).toMatchObject({ status: 405, detail: "POST is not possible here; use GET" });
    const head = await raw(url + path, {}, "HEAD");
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  it("sends what keeps browsers careful with every answer", async () => {
    const { url } = await start();
    for (const path of ["/", "/metrics", "/nothing"]) {
      const { headers } = await fetch(url + path);
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'self' 'sha256-[^']+'; script-src 'self' 'sha256-[^']+'; connect-src 'self'/,
      );
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe(path === "/" ? "no-cache" : "no-store");
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
    expect([answer.status, await answer.json()]).toEqual([
      500,
      {
        type: "about:blank",
        title: "Internal Server Error",
        status: 500,
        detail: "internal error; the operator's log says more",
      },
    ]);
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
