import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { loadAll } from "js-yaml";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crd } from "../../src/schema/crd.ts";
import { type Answer, type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { BAD, broken, GOOD } from "../schema/objects.ts";

/** Does a real API server take the CRD, and does it say the same of good and bad objects as zod? */

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const PATH = "/apis/servetwin.dev/v1alpha1/namespaces/default/inferencesimulations";
const STRICT = "fieldValidation=Strict";

// biome-ignore lint/suspicious/noExplicitAny: answers of the API server
type Anything = any;

let controlPlane: ControlPlane;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  const made = await controlPlane.request("POST", `${CRDS}?${STRICT}`, crd());
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  await established();
});
afterAll(async () => controlPlane?.stop());

const established = async (): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    const { body } = await controlPlane.request("GET", `${CRDS}/${crd().metadata.name}`);
    const conditions: Anything[] = (body as Anything).status?.conditions ?? [];
    const refused = conditions.find(({ type, status }) => type === "NonStructuralSchema" && status === "True");
    expect(refused).toBeUndefined();
    const served = (await controlPlane.request("GET", PATH)).status === 200;
    if (served && conditions.some(({ type, status }) => type === "Established" && status === "True")) return;
    await sleep(50);
  }
  throw new Error("the CRD was not established within 10 s");
};

const create = (object: Anything): Promise<Answer> => controlPlane.request("POST", `${PATH}?${STRICT}`, object);
const made = async (object: Anything): Promise<Anything> => {
  const answer = await create(object);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
};
const messageOf = ({ body }: Answer): string => (body as Anything).message;

describe("good objects", () => {
  it.each(GOOD.map((object) => [object.metadata.name, object]))("%s is taken", async (_name, object) => {
    await made(object);
  });

  const examples = new URL("../../deploy/examples/", import.meta.url);
  const files = existsSync(examples) ? readdirSync(examples, { recursive: true }).map(String) : [];
  const simulations = files
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) =>
      loadAll(readFileSync(new URL(file, examples), "utf8")).map((object) => ({ file, object: object as Anything })),
    )
    .filter(({ object }) => object?.kind === "InferenceSimulation");
  it("are the examples' simulations too", async () => {
    expect(simulations.length).toBeGreaterThan(0);
    for (const { file, object } of simulations) {
      const named = {
        ...object,
        metadata: { ...object.metadata, namespace: "default", name: `example-${object.metadata.name}` },
      };
      const answer = await controlPlane.request("POST", `${PATH}?${STRICT}&dryRun=All`, named);
      expect(answer.status, `${file}: ${JSON.stringify(answer.body)}`).toBe(201);
    }
  });

  it("get their defaults, down to the leaves", async () => {
    const { spec } = await made({ ...structuredClone(GOOD[0]), metadata: { name: "defaults" } });
    expect(spec).toMatchObject({
      mode: "Preview",
      overrides: {},
      objectives: [],
      run: { horizon: "1h", warmUp: "0s", seed: 1, replications: 1, speed: 1 },
      export: { naming: "Prefixed", labels: {} },
    });
    expect(spec.workload.synthetic.clients[0].arrival).toEqual({ process: "poisson" });
    // What belongs to one choice of several is left to zod.
    expect(spec.workload.synthetic.clients[0].prompt).toEqual({ distribution: "normal", mean: 300, deviation: 60 });
  });
});

describe("bad objects", () => {
  it.each(BAD.filter(({ by }) => by !== "zod").map((bad) => [bad.name, bad] as const))(
    "%s is refused",
    async (_name, bad) => {
      const object = broken(bad);
      object.metadata.name = "bad";
      const answer = await create(object);
      expect([400, 422], JSON.stringify(answer.body)).toContain(answer.status);
      expect(messageOf(answer)).toContain(bad.serverNames ?? bad.field);
    },
  );

  it.each(BAD.filter(({ by }) => by === "zod").map((bad) => [bad.name, bad] as const))(
    "%s is taken: its condition tells",
    async (_name, bad) => {
      const object = broken(bad);
      object.metadata.name = "beyond-cel";
      const answer = await controlPlane.request("POST", `${PATH}?${STRICT}&dryRun=All`, object);
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    },
  );
});

describe("subresources", () => {
  const name = "shadow";
  const path = `${PATH}/${name}`;
  const status = {
    phase: "Following",
    observedGeneration: 1,
    replicas: 4,
    selector: "servetwin.dev/simulation=default.shadow",
    conditions: [
      { type: "Ready", status: "True", reason: "Following", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" },
    ],
    runs: [
      {
        scenario: "baseline",
        seeds: [1],
        digest: "d",
        version: "0",
        horizonSeconds: 60,
        kpis: { ttftP99Seconds: { mean: 0.25, p10: 0.2, p90: 0.3 } },
        notes: [],
      },
    ],
  };

  beforeAll(async () => {
    const shadow = structuredClone(GOOD.find((object) => object.metadata.name === "shadow-external"));
    await made({ ...shadow, metadata: { name }, status: { phase: "Failed" } });
  });

  it("keep the status apart from the spec", async () => {
    const before = await controlPlane.request("GET", path);
    expect((before.body as Anything).status).toBeUndefined();
    const body = { apiVersion: "servetwin.dev/v1alpha1", kind: "InferenceSimulation", metadata: { name }, status };
    const options = { contentType: "application/apply-patch+yaml" };
    const applied = await controlPlane.request(
      "PATCH",
      `${path}/status?fieldManager=servetwin-status&force=true&${STRICT}`,
      body,
      options,
    );
    expect(applied.status, JSON.stringify(applied.body)).toBe(200);
    expect((applied.body as Anything).status).toEqual(status);
    expect((applied.body as Anything).metadata.generation).toBe(1);
  });

  it("refuse a status that is none", async () => {
    const answer = await controlPlane.request("PATCH", `${path}/status?${STRICT}`, { status: { phase: "Sleeping" } });
    expect(answer.status).toBe(422);
    expect(messageOf(answer)).toContain("status.phase");
  });

  it("are read and written by autoscalers through scale", async () => {
    const scale = (await controlPlane.request("GET", `${path}/scale`)).body as Anything;
    expect(scale).toMatchObject({ spec: { replicas: 4 }, status: { replicas: 4, selector: status.selector } });
    const written = await controlPlane.request("PATCH", `${path}/scale`, { spec: { replicas: 7 } });
    expect(written.status, JSON.stringify(written.body)).toBe(200);
    const { body } = await controlPlane.request("GET", path);
    expect((body as Anything).spec.replicas).toBe(7);
  });

  it("refuse a scale that nothing external may set", async () => {
    const answer = await controlPlane.request("PATCH", `${PATH}/least/scale`, { spec: { replicas: 7 } });
    expect(answer.status).toBe(422);
    expect(messageOf(answer)).toContain("driver: External");
  });

  it("refuse replicas out of bounds", async () => {
    const answer = await controlPlane.request("PATCH", `${path}/scale`, { spec: { replicas: 10_001 } });
    expect(answer.status).toBe(422);
    expect(messageOf(answer)).toContain("spec.replicas");
  });

  it("are printed by kubectl", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const table = await tableOf(path, accept);
    const row = Object.fromEntries(
      table.columnDefinitions.map(({ name: column }: Anything, i: number) => [column, table.rows[0].cells[i]]),
    );
    expect(row).toMatchObject({
      Name: name,
      Mode: "Shadow",
      Phase: "Following",
      "TTFT p99": 0.25,
      Replicas: 4,
      Ready: "True",
      Reason: "Following",
    });
  });
});

/** `request` asks for plain JSON; kubectl asks for a table. */
const tableOf = async (path: string, accept: string): Promise<Anything> => {
  const user = await controlPlane.user("printer", ["system:masters"]);
  const dispatcher = new Agent({
    connect: { ca: controlPlane.certificates.ca, cert: user.certificate, key: user.key },
  });
  const answer = await request(controlPlane.url + path, { headers: { accept }, dispatcher });
  const body = await answer.body.json();
  await dispatcher.close();
  return body;
};
