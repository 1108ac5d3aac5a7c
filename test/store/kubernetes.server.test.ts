import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "js-yaml";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { WATCHED_KINDS } from "../../src/store/kinds.ts";
import { connect } from "../../src/store/kubernetes/connection.ts";
import { type Election, electLeader } from "../../src/store/kubernetes/lease.ts";
import { Reflector } from "../../src/store/kubernetes/reflector.ts";
import { kubernetesStore } from "../../src/store/kubernetes.ts";
import { type KubeObject, type ObjectRef, type Store, StoreError, type WatchedKind } from "../../src/store/store.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../env/fault-proxy.ts";

/** Against a real API server, through a proxy that misbehaves. */
const CONFIG_MAPS: WatchedKind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
const PATH = "/api/v1/namespaces/default/configmaps";
const SIMULATIONS = "/apis/servetwin.dev/v1alpha1/namespaces/default/inferencesimulations";
const CRD = load(
  readFileSync(new URL("../../crds/servetwin.dev_inferencesimulations.yaml", import.meta.url), "utf8"),
) as KubeObject;

let plane: ControlPlane;
let proxy: FaultProxy;
const stopping: AbortController[] = [];

const faultsLeft: Fault[] = [];
const respond = (...script: Parameters<FaultProxy["respondNext"]>): Fault => {
  const fault = proxy.respondNext(...script);
  faultsLeft.push(fault);
  return fault;
};

const expectStatus = async (want: number, answer: ReturnType<ControlPlane["request"]>): Promise<KubeObject> => {
  const { status, body } = await answer;
  expect(status, JSON.stringify(body)).toBe(want);
  return body as KubeObject;
};
const configMap = (name: string, value = "1") => ({ metadata: { name }, data: { value } });
const create = (name: string, value?: string) => expectStatus(201, plane.request("POST", PATH, configMap(name, value)));
const change = (name: string, value: string) =>
  expectStatus(200, plane.request("PATCH", `${PATH}/${name}`, { data: { value } }));
const remove = (name: string) => expectStatus(200, plane.request("DELETE", `${PATH}/${name}`));

interface Watched {
  readonly store: Store;
  readonly heard: string[];
  readonly stop: () => void;
}

const watching = async (options: Partial<Parameters<typeof kubernetesStore>[0]> = {}): Promise<Watched> => {
  const controller = new AbortController();
  stopping.push(controller);
  const { store } = kubernetesStore({ kubeconfig: proxy.kubeconfigPath(), kinds: [CONFIG_MAPS], ...options });
  const heard: string[] = [];
  store.onChange(({ name }) => heard.push(name));
  await store.start(controller.signal);
  return { store, heard, stop: () => controller.abort() };
};

const eventually = (check: () => void | Promise<void>, withinSeconds = 20): Promise<void> =>
  vi.waitFor(check, { timeout: withinSeconds * 1000, interval: 50 });

const versions = (objects: readonly KubeObject[]): string[] =>
  objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`).sort();

/** Nothing lost, nothing made up: the mirror is what the server lists. */
const expectMirror = (store: Store, withinSeconds?: number): Promise<void> =>
  eventually(async () => {
    const { body } = await plane.request("GET", "/api/v1/configmaps");
    expect(versions(store.list("ConfigMap").map(({ object }) => object))).toEqual(
      versions((body as { items: KubeObject[] }).items),
    );
  }, withinSeconds);

beforeAll(async () => {
  plane = await startControlPlane();
  proxy = await startFaultProxy(plane);
});

afterEach(() => {
  for (const controller of stopping.splice(0)) controller.abort();
  for (const fault of faultsLeft.splice(0)) fault.remove();
  proxy.refuse(false);
});

afterAll(async () => {
  await proxy?.stop();
  await plane?.stop();
});

describe("list and watch", () => {
  it("takes lists page by page, and all at once where a page came too late", async () => {
    for (let i = 0; i < 520; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, j) => create(`page-${i + j}`)));
    }
    proxy.requests.length = 0;
    const paged = await watching();
    await expectMirror(paged.store);
    expect(
      proxy.requests.filter(({ watch }) => !watch).map(({ url }) => /limit=500(&continue=)?/.exec(url)?.[0]),
    ).toEqual(["limit=500", "limit=500&continue="]);
    paged.stop();
    proxy.requests.length = 0;
    respond(/continue=/, { status: 410 });
    await expectMirror((await watching()).store);
    expect(proxy.requests.filter(({ watch }) => !watch).at(-1)?.url).toBe("/api/v1/configmaps");
    await expectStatus(200, plane.request("DELETE", PATH));
  });

  it("keeps objects as they are, without managedFields, in order", async () => {
    await create("b");
    await create("a");
    const { store } = await watching();
    const names = store.list("ConfigMap", "default").map(({ object }) => object.metadata.name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(["a", "b"]));
    const { body } = await plane.request("GET", `${PATH}/a`);
    const { managedFields: _, ...metadata } = (body as { metadata: Record<string, unknown> }).metadata;
    expect(store.get({ apiVersion: "v1", kind: "ConfigMap", namespace: "default", name: "a" })?.object).toEqual({
      ...(body as KubeObject),
      metadata,
    });
    expect(store.synced).toBe(true);
    await remove("a");
    await remove("b");
    await eventually(() =>
      expect(store.list("ConfigMap", "default").map(({ object }) => object.metadata.name)).not.toContain("a"),
    );
  });

  it("watches only the namespaces that it was told", async () => {
    await expectStatus(201, plane.request("POST", "/api/v1/namespaces", { metadata: { name: "other" } }));
    await create("here");
    const { store, heard } = await watching({ namespaces: ["other", "default"] });
    await expectStatus(201, plane.request("POST", "/api/v1/namespaces/other/configmaps", configMap("there")));
    await expectStatus(201, plane.request("POST", "/api/v1/namespaces/kube-system/configmaps", configMap("elsewhere")));
    await eventually(() => expect(heard).toContain("there"));
    const listed = store.list("ConfigMap").map(({ object: { metadata } }) => `${metadata.namespace}/${metadata.name}`);
    expect(listed).toEqual([...listed].sort());
    expect(listed).toEqual(expect.arrayContaining(["default/here", "other/there"]));
    expect(listed.join()).not.toContain("kube-system");
    await remove("here");
  });

  const faults: Record<string, () => Promise<void> | void> = {
    "cut connections": () => void proxy.cutWatches(),
    "watches that end in order": () => void proxy.endWatches(),
    "410 in the stream": () => void proxy.expireWatches(),
    "410 as an answer": () => {
      respond(({ watch }) => watch, { status: 410 });
      proxy.cutWatches();
    },
    "410 in the stream and 429 for the list": () => {
      respond(({ watch }) => !watch, { status: 429, headers: { "retry-after": "1" } }, 2);
      proxy.expireWatches();
    },
    "500 for watch and list": () => {
      respond(/configmaps/, { status: 500 }, 3);
      proxy.cutWatches();
    },
    "a watch that tells nonsense": () => {
      respond(({ watch }) => watch, { status: 200, body: "<html>busy</html>\n" });
      proxy.cutWatches();
    },
    "a watch that tells of something unknown": () => {
      respond(({ watch }) => watch, { status: 200, body: '{"type":"SURPRISE","object":{"metadata":{}}}\n' });
      proxy.cutWatches();
    },
    "a line that is cut in the middle": () => {
      respond(({ watch }) => watch, { status: 200, body: '{"type":"ADDED","object":{"metada' });
      proxy.cutWatches();
    },
    "watches that end at once": () => {
      respond(({ watch }) => watch, { status: 200, body: "" }, 2);
      proxy.cutWatches();
    },
    "refused connections": async () => {
      proxy.refuse(true);
      await sleep(1500);
      proxy.refuse(false);
    },
  };

  it.each(Object.keys(faults))("loses nothing by %s", async (name) => {
    await Promise.all(["changed", "deleted", "again"].map((one) => create(one)));
    const { store, heard } = await watching();
    await eventually(() => expect(proxy.openWatches).toBe(1));
    heard.length = 0;
    const fault = faults[name]?.();
    // While nobody may be listening: a change, a creation, a deletion, and one that is made anew under the same name.
    await Promise.all([
      change("changed", "2"),
      create("created"),
      remove("deleted"),
      remove("again").then(() => create("again", "2")),
    ]);
    await fault;
    await expectMirror(store);
    await eventually(() => expect([...new Set(heard)].sort()).toEqual(["again", "changed", "created", "deleted"]));
    // And afterwards it hears at once.
    await eventually(() => expect(proxy.openWatches).toBe(1));
    heard.length = 0;
    await change("changed", "3");
    await eventually(() => expect(heard).toEqual(["changed"]), 2);
    expect(store.problems).toEqual([]);
    await Promise.all(["changed", "created", "again"].map((one) => remove(one)));
  });

  it("waits as long as a 429 says, and no request more comes meanwhile", async () => {
    proxy.requests.length = 0;
    const busy = respond("GET /api/v1/configmaps", { status: 429, headers: { "retry-after": "3" } });
    const { store } = await watching();
    expect(busy.served).toBe(1);
    const [first, second] = proxy.requests.map(({ at }) => at) as [number, number];
    expect(second - first).toBeGreaterThanOrEqual(2990);
    await expectMirror(store);
  });

  it("goes easy on a server that fails for long, and says so", async () => {
    const controller = new AbortController();
    stopping.push(controller);
    const { store } = kubernetesStore({ kubeconfig: proxy.kubeconfigPath(), kinds: [CONFIG_MAPS] });
    const fault = respond(/configmaps/, { status: 503 }, 1000);
    const told: string[] = [];
    store.onProblems(() => told.push(store.problems.map(({ message }) => message).join()));
    const started = store.start(controller.signal);
    await sleep(5000);
    expect(fault.served).toBeLessThanOrEqual(6);
    expect(store.synced).toBe(false);
    fault.remove();
    await started;
    expect(told).toEqual([
      expect.stringMatching(/configmaps can't be listed and watched: the server is currently unable/),
      "",
    ]);
  });

  it("comes through a kill and a restart of the API server", async () => {
    await create("before");
    const { store, heard } = await watching();
    await plane.killApiServer();
    await sleep(1000);
    await plane.startApiServer();
    await create("after");
    await remove("before");
    await expectMirror(store, 45);
    expect(heard).toEqual(expect.arrayContaining(["after", "before"]));
    await remove("after");
  }, 90_000);

  it("is not disturbed by a listener that throws", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const { store, heard } = await watching();
    store.onChange(() => {
      throw new Error("mine");
    });
    await create("x");
    await remove("x");
    await eventually(() => expect(heard.filter((name) => name === "x")).toHaveLength(2));
    await expectMirror(store);
    warned.mockRestore();
  });

  it("stops silently", async () => {
    const { store, stop } = await watching();
    await eventually(() => expect(proxy.openWatches).toBe(1));
    stop();
    await eventually(() => expect(proxy.openWatches).toBe(0));
    expect(store.problems).toEqual([]);
  });

  it("uses few connections for many requests", async () => {
    const { certificate: cert, key } = plane.certificates.server;
    let connections = 0;
    const server = createServer({ cert, key }, (_request, response) => response.end("{}"));
    server.on("secureConnection", () => connections++);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const codes: string[] = [];
    const connection = connect({
      kubeconfig: plane.kubeconfigPath("admin", url),
      requested: ({ code }) => codes.push(code),
    });
    for (let i = 0; i < 100; i++) await connection.ask({ method: "GET", path: "/api" });
    await connection.close();
    server.close();
    expect(connections).toBeLessThanOrEqual(2);
    expect(codes).toEqual(Array.from({ length: 100 }, () => "200"));
  });
});

describe("what it may not see, or what is not there", () => {
  const groupOf = ({ apiVersion }: { apiVersion: string }): string =>
    apiVersion.includes("/") ? (apiVersion.split("/")[0] as string) : "";
  const grant = async (user: string, resources: Record<string, string[]>): Promise<void> => {
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    const rules = Object.entries(resources).map(([group, names]) => ({
      apiGroups: [group],
      resources: names,
      verbs: ["get", "list", "watch"],
    }));
    await expectStatus(201, plane.request("POST", `${rbac}/clusterroles`, { metadata: { name: user }, rules }));
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: user };
    const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }];
    await expectStatus(
      201,
      plane.request("POST", `${rbac}/clusterrolebindings`, { metadata: { name: user }, roleRef, subjects }),
    );
  };

  it("starts without Nodes where they are forbidden, and without a CRD that is not there", async () => {
    await plane.user("no-nodes");
    const seen = WATCHED_KINDS.filter(({ kind }) => kind !== "Node");
    const groups = [...new Set(seen.map(groupOf))];
    const namesIn = (group: string) => seen.filter((kind) => groupOf(kind) === group).map(({ plural }) => plural);
    await grant("no-nodes", Object.fromEntries(groups.map((group) => [group, namesIn(group)])));
    await sleep(500);
    const { store } = await watching({ kubeconfig: plane.kubeconfigPath("no-nodes"), kinds: WATCHED_KINDS });
    expect(store.synced).toBe(true);
    expect(store.problems).toMatchObject([
      { severity: "warning", reason: "Forbidden", fix: "grant get, list and watch on nodes" },
    ]);
    expect(store.list("Node")).toEqual([]);
    expect(store.list("InferenceSimulation")).toEqual([]);
  });

  it("does not start without what it needs, and says what to grant", async () => {
    await plane.user("nobody");
    const controller = new AbortController();
    stopping.push(controller);
    const { store } = kubernetesStore({ kubeconfig: plane.kubeconfigPath("nobody"), kinds: WATCHED_KINDS });
    let started = false;
    void store.start(controller.signal).then(() => {
      started = true;
    });
    await eventually(() =>
      expect(store.problems.filter(({ reason }) => reason === "Forbidden")).toHaveLength(WATCHED_KINDS.length),
    );
    expect(started).toBe(false);
    expect(store.synced).toBe(false);
    const needed = WATCHED_KINDS.filter(({ optional }) => optional !== true);
    expect(store.problems.filter(({ severity }) => severity === "error")).toHaveLength(needed.length);
    expect(store.problems.filter(({ severity }) => severity === "warning")).toHaveLength(
      WATCHED_KINDS.length - needed.length,
    );
    controller.abort();
    await eventually(() => expect(started).toBe(true));
  });

  it("watches a CRD that appears later, and forgets its objects when it goes", async () => {
    const [kind] = WATCHED_KINDS as [WatchedKind];
    const connection = connect({ kubeconfig: proxy.kubeconfigPath() });
    const heard: string[] = [];
    const controller = new AbortController();
    stopping.push(controller);
    const reflector = new Reflector({
      connection,
      kind,
      changed: ({ name }) => heard.push(name),
      problemChanged: () => undefined,
      absentSeconds: 0.5,
    });
    const running = reflector.run(controller.signal);
    await reflector.answered;
    expect(reflector.mirror.list()).toEqual([]);
    const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    await expectStatus(201, plane.request("POST", crds, CRD));
    await eventually(
      async () => void (await expectStatus(201, plane.request("POST", SIMULATIONS, simulation("first")))),
    );
    await eventually(() => expect(reflector.mirror.get("default", "first")?.object.kind).toBe("InferenceSimulation"));
    await expectStatus(200, plane.request("DELETE", `${crds}/${CRD.metadata.name}`));
    await eventually(() => expect(reflector.mirror.list()).toEqual([]), 30);
    await eventually(
      async () => expect((await plane.request("GET", `${crds}/${CRD.metadata.name}`)).status).toBe(404),
      30,
    );
    await expectStatus(201, plane.request("POST", crds, CRD));
    await eventually(
      async () => void (await expectStatus(201, plane.request("POST", SIMULATIONS, simulation("second")))),
    );
    await eventually(() => expect(heard).toContain("second"));
    expect(reflector.problem).toBeUndefined();
    controller.abort();
    await running;
    await connection.close();
    await expectStatus(200, plane.request("DELETE", `${SIMULATIONS}/second`));
  });
});

const simulation = (name: string) => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name },
  spec: {
    mode: "Preview",
    mirror: { workloads: [{ kind: "Deployment", name: "vllm" }] },
    workload: { trace: { format: "azure-2023", configMap: { name: "trace", key: "conv.csv.gz" } } },
    run: { horizon: "10m" },
  },
});
const refOf = (name: string): ObjectRef => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  namespace: "default",
  name,
});

describe("what it writes", () => {
  let store: Store;
  const status = (phase: string, more: Record<string, unknown> = {}) => ({
    observedGeneration: 1,
    phase,
    selector: "servetwin.dev/simulation=a",
    conditions: [],
    mirrored: [],
    warnings: [],
    ...more,
  });
  const made = async (name: string): Promise<KubeObject> => {
    const object = await expectStatus(201, plane.request("POST", SIMULATIONS, simulation(name)));
    await eventually(() => expect(store.get(refOf(name))).toBeDefined());
    return object;
  };
  const onServer = async (name: string) =>
    (await plane.request("GET", `${SIMULATIONS}/${name}`)).body as KubeObject & {
      metadata: { managedFields: { manager: string; operation: string; subresource?: string }[] };
    };

  const open = async (): Promise<void> => {
    ({ store } = await watching({ kinds: WATCHED_KINDS }));
  };

  it("is the status, by server-side apply, read back at once; what is no longer said goes", async () => {
    await open();
    await made("applied");
    await store.writeStatus(refOf("applied"), status("Running", { replicas: 3 }));
    expect(store.get(refOf("applied"))?.object.status).toMatchObject({ phase: "Running", replicas: 3 });
    const { metadata, spec } = await onServer("applied");
    expect(metadata.managedFields).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ manager: "servetwin-status", operation: "Apply", subresource: "status" }),
      ]),
    );
    expect(metadata.generation).toBe(1);
    await store.writeStatus(refOf("applied"), status("Succeeded"));
    const after = await onServer("applied");
    expect(after.status).toMatchObject({ phase: "Succeeded" });
    expect(after.status).not.toHaveProperty("replicas");
    expect(after.spec).toEqual(spec);
    await eventually(() =>
      expect(store.get(refOf("applied"))?.object.metadata.resourceVersion).toBe(after.metadata.resourceVersion),
    );
  });

  it("never makes its own write unread by news that are older", async () => {
    await open();
    await made("raced");
    const seen: number[] = [];
    store.onChange(({ name }) => {
      if (name === "raced")
        seen.push((store.get(refOf("raced"))?.object.status as { replicas?: number } | undefined)?.replicas ?? 0);
    });
    for (let replicas = 1; replicas <= 20; replicas++) {
      await Promise.all([
        plane.request("PATCH", `${SIMULATIONS}/raced`, { metadata: { labels: { n: String(replicas) } } }),
        store.writeStatus(refOf("raced"), status("Running", { replicas })),
      ]);
      expect(store.get(refOf("raced"))?.object.status).toMatchObject({ replicas });
    }
    await eventually(async () =>
      expect(store.get(refOf("raced"))?.object.metadata.resourceVersion).toBe(
        (await onServer("raced")).metadata.resourceVersion,
      ),
    );
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("is refused for good where the schema does not know it, or forbids it", async () => {
    await open();
    await made("refused");
    for (const bad of [status("Running", { nonsense: 1 }), status("Dancing")]) {
      const error = await store.writeStatus(refOf("refused"), bad).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ kind: "refused", message: expect.stringMatching(/nonsense|Dancing/) });
    }
  });

  it("says so when the object is gone, though the mirror has not heard of it", async () => {
    await open();
    await made("gone");
    const deaf = respond(({ method }) => method === "GET", { status: 503 }, 100);
    proxy.cutWatches();
    await expectStatus(200, plane.request("DELETE", `${SIMULATIONS}/gone`));
    expect(store.get(refOf("gone"))).toBeDefined();
    await expect(store.writeStatus(refOf("gone"), status("Running"))).rejects.toMatchObject({ kind: "gone" });
    deaf.remove();
    await eventually(() => expect(store.get(refOf("gone"))).toBeUndefined());
  });

  it("can be tried again after 409, 429, 5xx and silence, with the wait that was asked for", async () => {
    await open();
    await made("again");
    for (const code of [409, 429, 503]) {
      respond(/PATCH .*again\/status/, { status: code, headers: { "retry-after": "4" } });
      await expect(store.writeStatus(refOf("again"), status("Running"))).rejects.toMatchObject({
        kind: "retry",
        retryAfterSeconds: 4,
      });
    }
    proxy.refuse(true);
    await expect(store.writeStatus(refOf("again"), status("Running"))).rejects.toMatchObject({ kind: "retry" });
    proxy.refuse(false);
    await eventually(() => store.writeStatus(refOf("again"), status("Running")));
  });

  it("are Events: one per object, reason and message, with a count", async () => {
    await open();
    const { metadata } = await made("told");
    const event = (message: string) =>
      store.event(refOf("told"), { type: "Warning", reason: "TraceNotFound", message });
    for (let i = 0; i < 3; i++) await event("no trace");
    await event("ä".repeat(1000));
    const events = async () => {
      const { body } = await plane.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events");
      return (body as { items: Record<string, unknown>[] }).items.filter(
        ({ regarding }) => (regarding as { name: string }).name === "told",
      );
    };
    const all = await events();
    expect(all).toHaveLength(2);
    expect(all.find(({ note }) => note === "no trace")).toMatchObject({
      type: "Warning",
      reason: "TraceNotFound",
      reportingController: "servetwin.dev/operator",
      regarding: { kind: "InferenceSimulation", name: "told", namespace: "default", uid: metadata.uid },
      series: { count: 3 },
    });
    expect(all.map(({ note }) => note)).toContain(`${"ä".repeat(510)}…`);
    // One that the server has forgotten is told anew.
    await plane.request("DELETE", "/apis/events.k8s.io/v1/namespaces/default/events");
    await event("no trace");
    expect(await events()).toHaveLength(1);
    // No object drowns the others out.
    for (let i = 0; i < 40; i++) await event(`message ${i}`);
    expect((await events()).length).toBeLessThanOrEqual(25);
  });

  it("are Events whose failure harms nobody", async () => {
    const lines: unknown[] = [];
    const watched = await watching({ kinds: WATCHED_KINDS, log: (line) => lines.push(line) });
    respond(/POST .*events/, { status: 500 });
    await watched.store.event(refOf("told"), { type: "Normal", reason: "X", message: "y" });
    expect(lines).toEqual([expect.objectContaining({ level: "warning", message: "event not recorded" })]);
  });

  it("reads one key of a ConfigMap when asked", async () => {
    await open();
    await expectStatus(
      201,
      plane.request("POST", PATH, { metadata: { name: "bytes" }, data: { text: "ä" }, binaryData: { bytes: "AP8=" } }),
    );
    expect(await store.configMapKey("default", "bytes", "text")).toEqual(Buffer.from("ä"));
    expect(await store.configMapKey("default", "bytes", "bytes")).toEqual(Buffer.from([0, 255]));
    expect(await store.configMapKey("default", "bytes", "none")).toBeUndefined();
    expect(await store.configMapKey("default", "none", "text")).toBeUndefined();
    respond(/configmaps\/bytes/, { status: 429, headers: { "retry-after": "2" } });
    await expect(store.configMapKey("default", "bytes", "text")).rejects.toMatchObject({
      kind: "retry",
      retryAfterSeconds: 2,
    });
  });
});

describe("the leader", () => {
  const elections: Election[] = [];
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

  interface Candidate {
    readonly election: Election;
    readonly said: string[];
  }

  const candidate = (name: string, identity: string, kubeconfig = plane.kubeconfigPath()): Candidate => {
    const said: string[] = [];
    const election = electLeader({
      connection: connect({ kubeconfig }),
      namespace: "default",
      name,
      identity,
      onLead: () => said.push("lead"),
      onLost: () => said.push("lost"),
      log: () => undefined,
    });
    elections.push(election);
    return { election, said };
  };

  const leaseOf = async (name: string) =>
    (
      (await plane.request("GET", `${leases}/${name}`)).body as {
        spec: { holderIdentity?: string; leaseTransitions?: number; renewTime: string };
      }
    ).spec;

  afterEach(async () => {
    await Promise.all(elections.splice(0).map((one) => one.stop()));
  });

  it("is one of two; when it dies the other follows within 20 s, and never both lead", async () => {
    const first = candidate("death", "first", proxy.kubeconfigPath());
    await eventually(() => expect(first.election.isLeader).toBe(true));
    const second = candidate("death", "second");
    await sleep(5000);
    expect(second.said).toEqual([]);
    expect(await leaseOf("death")).toMatchObject({ holderIdentity: "first", leaseTransitions: 0 });
    let both = 0;
    const look = setInterval(() => {
      if (first.election.isLeader && second.election.isLeader) both++;
    }, 10);
    proxy.refuse(true);
    const died = performance.now();
    await eventually(() => expect(second.election.isLeader).toBe(true), 25);
    expect(performance.now() - died).toBeLessThan(20_000);
    expect(performance.now() - died).toBeGreaterThan(10_000);
    expect(first.said).toEqual(["lead", "lost"]);
    proxy.refuse(false);
    await sleep(3000);
    clearInterval(look);
    expect(both).toBe(0);
    expect(first.election.isLeader).toBe(false);
    expect(await leaseOf("death")).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });
  }, 60_000);

  it("gives way at once when it stops", async () => {
    const first = candidate("release", "first");
    await eventually(() => expect(first.election.isLeader).toBe(true));
    const second = candidate("release", "second");
    await sleep(1000);
    await first.election.stop();
    const stopped = performance.now();
    expect(first.election.isLeader).toBe(false);
    expect((await leaseOf("release")).holderIdentity ?? "").toBe("");
    await eventually(() => expect(second.said).toEqual(["lead"]), 5);
    expect(performance.now() - stopped).toBeLessThan(3000);
    expect(first.said).toEqual(["lead"]);
    expect((await leaseOf("release")).renewTime).toMatch(/\.\d{6}Z$/);
  });

  it("does not trust the times of others: a Lease holds for as long as it is seen not to change", async () => {
    for (const [name, time] of [
      ["old", "2001-01-01T00:00:00.000000Z"],
      ["new", "2099-01-01T00:00:00.000000Z"],
    ] as const) {
      const spec = {
        holderIdentity: "dead",
        leaseDurationSeconds: 15,
        acquireTime: time,
        renewTime: time,
        leaseTransitions: 4,
      };
      await expectStatus(201, plane.request("POST", leases, { metadata: { name }, spec }));
    }
    const began = performance.now();
    const both = [candidate("old", "me"), candidate("new", "me")];
    await sleep(14_000);
    expect(both.map(({ said }) => said)).toEqual([[], []]);
    await eventually(() => expect(both.map(({ said }) => said)).toEqual([["lead"], ["lead"]]), 5);
    expect(performance.now() - began).toBeLessThan(18_000);
    expect(await leaseOf("new")).toMatchObject({ holderIdentity: "me", leaseTransitions: 5 });
  }, 60_000);

  it("is one of many who ask at the same time", async () => {
    const all = Array.from({ length: 6 }, (_, i) => candidate("crowd", `c${i}`));
    await eventually(() => expect(all.filter(({ election }) => election.isLeader)).toHaveLength(1));
    await sleep(3000);
    expect(all.flatMap(({ said }) => said)).toEqual(["lead"]);
  });

  it("keeps its place through a short cut and a conflict", async () => {
    const leader = candidate("kept", "me", proxy.kubeconfigPath());
    await eventually(() => expect(leader.election.isLeader).toBe(true));
    await plane.request("PATCH", `${leases}/kept`, { metadata: { labels: { touched: "yes" } } });
    await sleep(2500);
    proxy.refuse(true);
    await sleep(3000);
    proxy.refuse(false);
    await sleep(3000);
    expect(leader.said).toEqual(["lead"]);
    expect(leader.election.isLeader).toBe(true);
  });
});
