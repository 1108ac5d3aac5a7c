import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { openApi } from "../../src/server/openapi.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { appOf } from "../../src/server/server.ts";
import { problemDetails, simulationDetail, simulationList } from "../../src/server/view.ts";
import { hostile, preview, shadow } from "./simulations.ts";
import { start } from "./start.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly responses: Readonly<Record<string, { content: Record<string, { schema: object }> }>>;
}
const document = JSON.parse(JSON.stringify(openApi(ROUTES))) as {
  openapi: string;
  paths: Record<string, { get: Operation }>;
  components: { schemas: Record<string, object> };
};

/** Each schema stands in one document, so that references lead where they lead for clients. */
const ajv = new Ajv2020({ strict: true, allErrors: true });
ajv.addVocabulary(["components"]);
ajv.addSchema({ $id: "doc:api", components: document.components } as object, "doc:api", false, false);
const errorsIn = (schema: object, value: unknown): string[] => {
  const text = JSON.stringify(schema).replaceAll('"#/', '"doc:api#/');
  const valid = ajv.compile(JSON.parse(text) as object);
  return valid(value) ? [] : (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};

describe("the OpenAPI document", () => {
  it("describes every route that the server has, and no other", () => {
    const app = appOf({} as Parameters<typeof appOf>[0]);
    const { stack } = app.router as unknown as { stack: { route?: { path: string } }[] };
    const served = stack.flatMap(({ route }) => route?.path ?? []).map((path) => path.replace(/:(\w+)/g, "{$1}"));
    expect([...new Set(served)].sort()).toEqual(Object.keys(document.paths).sort());
    expect(served.length).toBeGreaterThan(7);
  });

  it("names each operation once, and each parameter of a path", () => {
    const operations = Object.values(document.paths).map(({ get }) => get.operationId);
    expect(new Set(operations).size).toBe(operations.length);
    for (const [path, { get }] of Object.entries(document.paths)) {
      const inPath = (get.parameters ?? []).filter((one) => one.in === "path");
      expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      for (const { required } of inPath) expect(required).toBe(true);
    }
  });

  it.each([
    "/api/v1/openapi.json",
    "/api/v1/simulations",
    "/api/v1/simulations?limit=1",
    "/api/v1/simulations?limit=none",
    "/api/v1/simulations/inference/chat",
    "/api/v1/simulations/inference/chat-shadow",
    "/api/v1/simulations/inference/chat/timelines",
    "/api/v1/simulations/inference/none",
    "/healthz",
    "/readyz",
    "/metrics",
    "/",
    "/simulations/inference/chat",
  ])("says what %s answers", async (path) => {
    const { url } = await start([preview(), shadow(), hostile()]);
    const answer = await fetch(url + path);
    const route = path.replace(/\?.*/, "").replace(/simulations\/[\w-]+\/[\w-]+/, "simulations/{namespace}/{name}");
    const responses = document.paths[route]?.get.responses;
    const { content } = responses?.[answer.status] ?? responses?.default ?? { content: {} };
    const type = String(answer.headers.get("content-type")).replace(/;.*/, "");
    const schema = content[type]?.schema;
    expect(schema, `${answer.status} ${type}`).toBeDefined();
    expect(errorsIn(schema as object, type.endsWith("json") ? await answer.json() : await answer.text())).toEqual([]);
  });

  it("says all of it: no answer has a field that the document hasn't", async () => {
    const { url } = await start([preview(), shadow()]);
    for (const [path, view] of [
      ["/api/v1/simulations?limit=1", simulationList],
      ["/api/v1/simulations/inference/chat", simulationDetail],
      ["/api/v1/simulations/inference/none", problemDetails],
    ] as const) {
      const body = await (await fetch(url + path)).json();
      expect(view.parse(body)).toEqual(body);
    }
  });

  it("would tell an answer that is not as described", () => {
    const detail = JSON.parse(JSON.stringify(preview())) as Record<string, unknown>;
    const schema = { $ref: "#/components/schemas/SimulationDetail" };
    expect(errorsIn(schema, detail)).toEqual([]);
    expect(errorsIn(schema, { ...detail, name: 1 })).toEqual(["/name must be string"]);
    expect(errorsIn(schema, { ...detail, progress: 2 })).toEqual(["/progress must be <= 1"]);
  });
});
