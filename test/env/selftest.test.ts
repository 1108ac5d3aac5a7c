/** Does the test environment itself work? The other suites build on what is checked here. */
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { load } from "js-yaml";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { versionOf } from "./build.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { apply } from "./manifests.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";
import { startPrometheusAdapter } from "./prometheus-adapter.ts";

const startLimit = 120_000;

async function eventually<T>(look: () => Promise<T | undefined | false>, withinMs = 20_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${look.toString()}`);
    await sleep(100);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function deployment(name: string, replicas: number) {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "server", image: "example.test/server:1" }] } },
    },
  };
}

interface List {
  items: { metadata: { name: string; ownerReferences?: { name: string }[] }; spec: { replicas?: number } }[];
}

let controlPlane: ControlPlane;

beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: true, hpaSyncPeriodSeconds: 1 });
}, startLimit);

afterAll(async () => {
  await controlPlane?.stop();
}, startLimit);

describe("control plane", () => {
  it("has the pinned version", async () => {
    const { body } = await controlPlane.request("GET", "/version");
    expect(body).toMatchObject({ major: "1", minor: "36" });
    // KUBEBUILDER_ASSETS may bring another patch release.
    if (!process.env["KUBEBUILDER_ASSETS"]) expect(body).toMatchObject({ gitVersion: versionOf("kubeApiserver") });
  });

  it("runs controllers: a Deployment gets a ReplicaSet, and that gets Pods", async () => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "run" } };
    expect((await controlPlane.request("POST", "/api/v1/namespaces", namespace)).status).toBe(201);
    const created = await controlPlane.request(
      "POST",
      "/apis/apps/v1/namespaces/run/deployments",
      deployment("web", 2),
    );
    expect(created.status).toBe(201);
    const replicaSet = await eventually(async () => {
      const { body } = await controlPlane.request("GET", "/apis/apps/v1/namespaces/run/replicasets");
      return (body as List).items[0];
    });
    expect(replicaSet.metadata.ownerReferences?.[0]?.name).toBe("web");
    await eventually(async () => {
      const { body } = await controlPlane.request("GET", "/api/v1/namespaces/run/pods");
      return (body as List).items.length === 2;
    });
  });

  it("gives users only the rights that RBAC gives them", async () => {
    const reader = await controlPlane.user("reader", ["readers", "others"]);
    expect(load(reader.kubeconfig)).toMatchObject({ "current-context": "servetwin-test" });
    const path = "/api/v1/namespaces/default/configmaps";
    expect((await controlPlane.request("GET", path, undefined, { user: "reader" })).status).toBe(403);
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    const metadata = { name: "readers" };
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }];
    await controlPlane.request("POST", `${rbac}/roles`, { metadata, rules });
    await controlPlane.request("POST", `${rbac}/rolebindings`, {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "readers" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "readers" }],
    });
    await eventually(async () => {
      return (await controlPlane.request("GET", path, undefined, { user: "reader" })).status === 200;
    });
    expect((await controlPlane.request("POST", path, { metadata }, { user: "reader" })).status).toBe(403);
  });

  it("scales by an external metric that the aggregation layer fetches from the test", async () => {
    const group = "external.metrics.k8s.io";
    const { certificate: cert, key } = controlPlane.certificates.server;
    const metrics = createServer({ cert, key }, (incoming, response) => {
      const isList = incoming.url?.split("?")[0] !== `/apis/${group}/v1beta1`;
      const resources = [
        { name: "queue", singularName: "", namespaced: true, kind: "ExternalMetricValueList", verbs: ["get"] },
      ];
      const items = [{ metricName: "queue", metricLabels: {}, timestamp: new Date().toISOString(), value: "30" }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify(
          isList
            ? { kind: "ExternalMetricValueList", apiVersion: `${group}/v1beta1`, metadata: {}, items }
            : { kind: "APIResourceList", apiVersion: "v1", groupVersion: `${group}/v1beta1`, resources },
        ),
      );
    });
    metrics.listen(0, "127.0.0.1");
    await once(metrics, "listening");
    const { port } = metrics.address() as AddressInfo;
    try {
      await controlPlane.request("POST", "/api/v1/namespaces/default/services", {
        metadata: { name: "metrics" },
        spec: { type: "ExternalName", externalName: "localhost", ports: [{ port, protocol: "TCP" }] },
      });
      await controlPlane.request("POST", "/apis/apiregistration.k8s.io/v1/apiservices", {
        metadata: { name: `v1beta1.${group}` },
        spec: {
          group,
          version: "v1beta1",
          groupPriorityMinimum: 100,
          versionPriority: 100,
          insecureSkipTLSVerify: true,
          service: { namespace: "default", name: "metrics", port },
        },
      });
      await controlPlane.request("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("engine", 1));
      await controlPlane.request("POST", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", {
        metadata: { name: "engine" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "engine" },
          maxReplicas: 5,
          metrics: [
            {
              type: "External",
              external: { metric: { name: "queue" }, target: { type: "AverageValue", averageValue: "10" } },
            },
          ],
        },
      });
      await eventually(async () => {
        const { body } = await controlPlane.request("GET", "/apis/apps/v1/namespaces/default/deployments/engine");
        return (body as List["items"][number]).spec.replicas === 3;
      }, 40_000);
    } finally {
      // Whoever serves these metrics next registers itself anew.
      await controlPlane.request("DELETE", `/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.${group}`);
      metrics.close();
      metrics.closeAllConnections();
    }
  }, 60_000);

  it(
    "keeps its data when the API server is stopped or killed and started again",
    async () => {
      const path = "/api/v1/namespaces/default/configmaps";
      expect((await controlPlane.request("POST", path, { metadata: { name: "kept" } })).status).toBe(201);
      const first = controlPlane.pids.apiServer;
      await controlPlane.stopApiServer();
      expect(isAlive(first)).toBe(false);
      await expect(controlPlane.request("GET", path)).rejects.toThrow();
      await controlPlane.startApiServer();
      const second = controlPlane.pids.apiServer;
      await controlPlane.killApiServer();
      expect(isAlive(second)).toBe(false);
      await controlPlane.startApiServer();
      expect((await controlPlane.request("GET", `${path}/kept`)).status).toBe(200);
    },
    startLimit,
  );
});

describe("prometheus-adapter", () => {
  it("answers for external and custom metrics from a Prometheus, through the aggregation layer", async () => {
    const prometheus = await startPrometheus({ rules: twoPods });
    const adapter = await startPrometheusAdapter(controlPlane, {
      prometheusUrl: prometheus.url,
      config: {
        rules: [{ ...byPod, metricsQuery: `sum(${series}) by (<<.GroupBy>>)` }],
        externalRules: [{ ...byPod, metricsQuery: series }],
      },
    });
    try {
      expect(adapter.groups).toEqual(["custom.metrics.k8s.io", "external.metrics.k8s.io"]);
      const container = { name: "server", image: "example.test/server:1" };
      for (const name of ["one", "two"]) {
        const metadata = { name, namespace: "default", labels: { app: "queued" } };
        await apply(controlPlane, { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [container] } });
      }
      const valuesAt = (path: string) =>
        eventually(async () => {
          const { status, body } = await controlPlane.request("GET", path);
          const { items = [] } = body as { items?: { value: string }[] };
          return status === 200 && items.length > 0 && items.map(({ value }) => value).sort();
        });
      const external = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue_depth";
      expect(await valuesAt(external)).toEqual(["3", "4500m"]);
      expect(await valuesAt(`${external}?labelSelector=pod%3Dtwo`)).toEqual(["4500m"]);
      const custom = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/pods/*/queue_depth";
      expect(await valuesAt(`${custom}?labelSelector=app%3Dqueued`)).toEqual(["3", "4500m"]);
    } finally {
      await adapter.stop();
      await prometheus.stop();
    }
  }, 60_000);

  const series = "<<.Series>>{<<.LabelMatchers>>}";
  const byPod = {
    seriesQuery: "queue_depth",
    resources: { overrides: { namespace: { resource: "namespace" }, pod: { resource: "pod" } } },
  };
  const rule = (pod: string, value: string) => `
      - { record: queue_depth, expr: "vector(${value})", labels: { namespace: default, pod: ${pod} } }`;
  const twoPods = `
groups:
  - name: queue
    rules:${rule("one", "3")}${rule("two", "4.5")}
`;
});

describe("fault proxy", () => {
  let proxy: FaultProxy;
  let agent: Agent;
  const path = "/api/v1/namespaces/default/configmaps";

  beforeAll(async () => {
    proxy = await startFaultProxy(controlPlane);
    agent = agentOf("admin");
  }, startLimit);

  afterAll(async () => {
    await agent?.destroy();
    await proxy?.stop();
  });

  function agentOf(user: string): Agent {
    const config = load(controlPlane.kubeconfig(user)) as {
      users: { user: { "client-certificate-data": string; "client-key-data": string } }[];
    };
    const credentials = config.users[0]?.user;
    const decode = (text = "") => Buffer.from(text, "base64").toString();
    return new Agent({
      connect: {
        ca: controlPlane.certificates.ca,
        cert: decode(credentials?.["client-certificate-data"]),
        key: decode(credentials?.["client-key-data"]),
      },
    });
  }

  async function get(url: string, dispatcher: Agent = agent, headers: Record<string, string> = {}) {
    const answer = await request(proxy.url + url, { dispatcher, headers });
    return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as unknown };
  }

  /** Opens a watch and waits for its first event; `result` is what it delivers in all, and how it ends. */
  async function watch() {
    const { body } = await request(`${proxy.url}${path}?watch=true`, { dispatcher: agent });
    let text = "";
    const result = (async () => {
      try {
        for await (const chunk of body) text += String(chunk);
        return { text, ended: "in order" };
      } catch (error) {
        return { text, ended: (error as { code?: string }).code };
      }
    })();
    await eventually(async () => text.length > 0);
    return { result };
  }

  it("passes the user on, to Kubernetes clients too", async () => {
    const config = new KubeConfig();
    config.loadFromFile(proxy.kubeconfigPath());
    const namespaces = await config.makeApiClient(CoreV1Api).listNamespace();
    expect(namespaces.items.map((item) => item.metadata?.name)).toContain("default");

    await controlPlane.user("proxied", ["group one", "group-two"]);
    const agents = [agentOf("proxied"), agentOf("proxied")];
    for (const proxiedAgent of agents) {
      for (let i = 0; i < 3; i++) {
        const answer = await request(`${proxy.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`, {
          method: "POST",
          dispatcher: proxiedAgent,
          headers: { "content-type": "application/json", "x-remote-user": "admin", "x-remote-group": "system:masters" },
          body: "{}",
          reset: true, // a new connection each time, which resumes the TLS session
        });
        const review = (await answer.body.json()) as { status: { userInfo: { username: string; groups: string[] } } };
        expect(review.status.userInfo.username).toBe("proxied");
        expect(review.status.userInfo.groups).toEqual(["group one", "group-two", "system:authenticated"]);
      }
      await proxiedAgent.destroy();
    }
    const nobody = new Agent({ connect: { ca: controlPlane.certificates.ca } });
    expect((await get(path, nobody, { "x-remote-user": "admin", "x-remote-group": "system:masters" })).status).toBe(
      403,
    );
    await nobody.destroy();
  });

  it("answers with 429 and 410 as often as told", async () => {
    const busy = proxy.respondNext(`GET ${path}`, { status: 429, headers: { "retry-after": "1" } }, 2);
    for (let i = 0; i < 2; i++) {
      const answer = await get(path);
      expect(answer.status).toBe(429);
      expect(answer.headers["retry-after"]).toBe("1");
      expect(answer.body).toMatchObject({ kind: "Status", reason: "TooManyRequests", code: 429 });
    }
    expect(busy.served).toBe(2);
    expect((await get(path)).status).toBe(200);

    proxy.respondNext((request) => request.watch, { status: 410 });
    expect((await get(path)).status).toBe(200);
    const gone = await get(`${path}?watch=true&resourceVersion=1`);
    expect(gone).toMatchObject({ status: 410, body: { reason: "Expired" } });

    const never = proxy.respondNext(/./, { status: 500 });
    never.remove();
    expect((await get(path)).status).toBe(200);
  });

  it("cuts, ends and expires watches", async () => {
    const cut = [await watch(), await watch()];
    expect(proxy.openWatches).toBe(2);
    expect(proxy.cutWatches()).toBe(2);
    for (const { result } of cut) expect((await result).ended).toBe("ECONNRESET");

    const ended = await watch();
    expect(proxy.endWatches("no such path")).toBe(0);
    expect(proxy.endWatches()).toBe(1);
    expect((await ended.result).ended).toBe("in order");

    const expired = await watch();
    expect(proxy.expireWatches(/configmaps/)).toBe(1);
    const { text, ended: how } = await expired.result;
    expect(how).toBe("in order");
    expect(JSON.parse(text.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ type: "ERROR", object: { code: 410 } });
    expect(proxy.openWatches).toBe(0);
  });

  it("refuses connections and adds latency", async () => {
    proxy.refuse(true);
    await expect(get(path)).rejects.toThrow();
    proxy.refuse(false);
    expect((await get(path)).status).toBe(200);
    proxy.latencyMs = 300;
    const started = Date.now();
    await get(path);
    expect(Date.now() - started).toBeGreaterThanOrEqual(290);
    proxy.latencyMs = 0;
  });

  it(
    "drops its clients when the API server dies",
    async () => {
      const open = await watch();
      await controlPlane.killApiServer();
      expect((await open.result).ended).not.toBe("in order");
      await expect(get(path)).rejects.toThrow();
      await controlPlane.startApiServer();
      expect((await get(path)).status).toBe(200);
    },
    startLimit,
  );
});

describe("Prometheus", () => {
  let prometheus: Prometheus;

  beforeAll(async () => {
    prometheus = await startPrometheus({ remoteWriteReceiver: true, rules: rulesText });
  }, startLimit);

  afterAll(async () => {
    await prometheus?.stop();
  });

  const rulesText = `
groups:
  - name: test
    rules:
      - record: test:two
        expr: 1 + 1
`;

  it("scrapes, evaluates rules and answers queries", async () => {
    const port = new URL(prometheus.url).port;
    const other = await startPrometheus({
      scrape: [
        { job: "prometheus", target: `127.0.0.1:${port}`, intervalSeconds: 0.5, labels: { part: "test" } },
        { job: "nobody", target: "127.0.0.1:1", intervalSeconds: 0.5 },
      ],
    });
    try {
      const [up] = await eventually(async () => {
        const found = await other.query('up{job="prometheus"} == 1');
        return found.length > 0 && found;
      });
      expect(up).toMatchObject({ metric: { job: "prometheus", part: "test" }, value: 1 });
      await eventually(async () => (await other.targets()).every((target) => target.health !== "unknown"));
      const health = (await other.targets()).map((target) => [target.job, target.health]);
      expect(Object.fromEntries(health)).toEqual({ prometheus: "up", nobody: "down" });
      const now = Date.now() / 1000;
      const [series] = await other.queryRange('up{job="prometheus"}', now - 10, now, 1);
      expect(series?.values.at(-1)?.value).toBe(1);
      expect(await other.query("scalar(vector(1)) / 0")).toMatchObject([{ value: Number.POSITIVE_INFINITY }]);
      await expect(other.query("sum(")).rejects.toThrow(/parse error/);
    } finally {
      await other.stop();
    }
    await eventually(async () => (await prometheus.query("test:two"))[0]?.value === 2);
  }, 60_000);

  it("is the pinned version", async () => {
    const { body } = await request(`${prometheus.url}/api/v1/status/buildinfo`);
    expect(((await body.json()) as { data: { version: string } }).data.version).toMatch(/^3\.\d+\.\d+$/);
  });
});
