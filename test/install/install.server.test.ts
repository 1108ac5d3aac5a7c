import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Program } from "../e2e/program.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { temporaryDirectory } from "../env/daemon.ts";
import { apply, applyAll, describeObject, type Manifest } from "../env/manifests.ts";
import { type AccessRule, CLUSTER_RULES, NAMESPACED_RULES } from "./access.ts";
import {
  installed,
  preview,
  refusals,
  simulationStatus,
  startInstalled,
  untilFinished,
  untilServed,
} from "./installed.ts";
import { chart, isHook, kustomize } from "./render.ts";

/**
 * What kustomize and the chart render, applied to a real API server; the operator then runs as the ServiceAccount installed that
 * way, with a token from the TokenRequest API and the arguments of the Deployment.
 */
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const files = temporaryDirectory("install");

let plane: ControlPlane;

/** A CRD of the Prometheus operator, without its schema. */
const monitoring = (kind: string, plural: string): Manifest => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: `${plural}.monitoring.coreos.com`,
    annotations: { "api-approved.kubernetes.io": "https://github.com/prometheus-operator/prometheus-operator" },
  },
  spec: {
    group: "monitoring.coreos.com",
    scope: "Namespaced",
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

const served = (path: string): Promise<boolean> => untilServed(plane, path);
const install = (manifests: readonly Manifest[]): Promise<void> => installed(plane, manifests);
const start = (manifests: readonly Manifest[], namespace: string): Promise<Program> =>
  startInstalled(plane, manifests, namespace, files.path);
const statusOf = (name: string, namespace: string) => simulationStatus(plane, namespace, name);
const finishes = (name: string, namespace: string, operator: Program): Promise<boolean> =>
  untilFinished(plane, namespace, name, operator);

/** In the operator's own namespace; to get and update holds for its own Lease only. */
const LEASE_RULE: AccessRule = { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] };

interface Resource {
  readonly group: string;
  readonly name: string;
  readonly verbs: readonly string[];
  readonly namespaced: boolean;
}

/** Everything that the API server has, subresources too. */
const resources = async (): Promise<Resource[]> => {
  const groups = (await plane.request("GET", "/apis")).body as {
    groups: { preferredVersion: { groupVersion: string } }[];
  };
  const versions = ["v1", ...groups.groups.map(({ preferredVersion }) => preferredVersion.groupVersion)];
  const lists = await Promise.all(
    versions.map(async (version) => {
      const path = version === "v1" ? "/api/v1" : `/apis/${version}`;
      const { resources } = (await plane.request("GET", path)).body as {
        resources: { name: string; verbs: string[]; namespaced: boolean }[];
      };
      return resources.map((one) => ({
        ...one,
        group: version.includes("/") ? (version.split("/")[0] as string) : "",
      }));
    }),
  );
  return lists.flat();
};

const allows = (rules: readonly AccessRule[], verb: string, { group, name }: Resource): boolean =>
  rules.some(
    ({ apiGroups, resources, verbs }) => apiGroups.includes(group) && resources.includes(name) && verbs.includes(verb),
  );

/** What the ServiceAccount may do and should not, and the other way round. */
const surprises = async (namespace: string, place: string, rules: readonly AccessRule[]): Promise<string[]> => {
  const asked = (await resources()).flatMap((resource) => resource.verbs.map((verb) => ({ resource, verb })));
  expect(asked.length).toBeGreaterThan(300);
  const found: string[] = [];
  const ask = async ({ resource, verb }: (typeof asked)[number]): Promise<void> => {
    const [name, subresource] = resource.name.split("/");
    const answer = await plane.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      spec: {
        user: `system:serviceaccount:${namespace}:servetwin`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
        resourceAttributes: {
          verb,
          group: resource.group,
          resource: name,
          ...(subresource === undefined ? {} : { subresource }),
          ...(resource.namespaced ? { namespace: place } : {}),
        },
      },
    });
    const { allowed } = (answer.body as { status: { allowed: boolean } }).status;
    // Everybody who is logged in may ask about themselves (system:basic-user).
    if (resource.name.startsWith("self")) return;
    if (allowed !== allows(rules, verb, resource))
      found.push(`${verb} ${resource.group}/${resource.name}: ${allowed ? "allowed" : "refused"}`);
  };
  for (let i = 0; i < asked.length; i += 20) await Promise.all(asked.slice(i, i + 20).map(ask));
  return found;
};

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: true });
  for (const name of ["inference", "other"])
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const name of ["inference", "other"])
    await applyAll(plane, read("deploy/examples/quickstart/vllm-llama-8b.yaml"), name);
  await apply(plane, monitoring("PodMonitor", "podmonitors"));
  await apply(plane, monitoring("PrometheusRule", "prometheusrules"));
  await served("/apis/monitoring.coreos.com/v1/podmonitors");
  await served("/apis/monitoring.coreos.com/v1/prometheusrules");
});
afterAll(async () => {
  await plane?.stop();
  files.remove();
});

describe("kustomize's overlay for a cluster", () => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await kustomize("deploy/kustomize/overlays/cluster");
    await install(manifests);
  });

  it("makes pods that Pod Security's restricted profile lets in", async () => {
    const pods = await eventually(
      async () => {
        const { body } = await plane.request("GET", "/api/v1/namespaces/servetwin-system/pods");
        const { items } = body as { items: { metadata: { labels: Record<string, string> } }[] };
        return items.length > 0 && items;
      },
      { what: "pods", detail: () => plane.log("controllerManager") },
    );
    expect(pods[0]?.metadata.labels["app.kubernetes.io/name"]).toBe("servetwin");
  });

  it("lets its ServiceAccount run simulations of any namespace, and nothing that it asks is refused", async () => {
    const operator = await start(manifests, "servetwin-system");
    try {
      await apply(plane, preview("chat", "inference"));
      await finishes("chat", "inference", operator);
      expect(await refusals(operator)).toEqual([]);
      const events = (await plane.request("GET", "/apis/events.k8s.io/v1/namespaces/inference/events")).body as {
        items: { reason: string; regarding: { name: string } }[];
      };
      expect(events.items.filter(({ regarding }) => regarding.name === "chat")).not.toEqual([]);
    } finally {
      expect(await operator.stop()).toBe(0);
    }
  });

  it("gives no right beyond those, whatever the API server has", async () => {
    const rules = [...NAMESPACED_RULES, ...CLUSTER_RULES];
    expect(await surprises("servetwin-system", "inference", rules)).toEqual([]);
    expect(await surprises("servetwin-system", "servetwin-system", [...rules, LEASE_RULE])).toEqual([]);
  });

  it("lets people with the roles view and edit do so with simulations", async () => {
    const may = async (role: string, verb: string): Promise<boolean> => {
      const user = `${role}-of-inference`;
      await apply(plane, {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata: { name: user, namespace: "inference" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
      });
      const answer = await plane.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        spec: {
          user,
          resourceAttributes: {
            verb,
            group: "servetwin.dev",
            resource: "inferencesimulations",
            namespace: "inference",
          },
        },
      });
      return (answer.body as { status: { allowed: boolean } }).status.allowed;
    };
    // The controller manager of these tests doesn't aggregate: the roles are bound as they are.
    // A binding counts a moment after it was made.
    await eventually(() => may("servetwin-view", "list"), { what: "the right to list of servetwin-view" });
    expect(await may("servetwin-view", "create")).toBe(false);
    await eventually(() => may("servetwin-edit", "create"), { what: "the right to create of servetwin-edit" });
  });
});

describe("kustomize's overlay for a namespace", () => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await kustomize("deploy/kustomize/overlays/namespaced");
    await install(manifests);
  });

  it("has nothing outside of it", () => {
    expect(manifests.map(({ metadata }) => metadata.namespace)).toEqual(manifests.map(() => "inference"));
  });

  it("runs the simulations of its namespace and lets the others be", async () => {
    await apply(plane, preview("mine", "inference"));
    await apply(plane, preview("theirs", "other"));
    const operator = await start(manifests, "inference");
    try {
      await finishes("mine", "inference", operator);
      expect(await statusOf("theirs", "other")).toBeUndefined();
      // It asks for Nodes in vain, and says what it does without.
      expect(operator.output()).toContain("grant get, list and watch on nodes");
    } finally {
      expect(await operator.stop()).toBe(0);
    }
  });

  it("gives no right beyond it", async () => {
    expect(await surprises("inference", "inference", [...NAMESPACED_RULES, LEASE_RULE])).toEqual([]);
    expect(await surprises("inference", "other", [])).toEqual([]);
  });
});

interface TestPod {
  readonly containers: readonly [{ readonly command: readonly string[]; readonly args: readonly string[] }];
}

describe("the chart", () => {
  let manifests: Manifest[];
  let operator: Program;
  beforeAll(async () => {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "twin", labels } });
    manifests = await chart(
      "twin",
      'watch.namespaces=["other"]',
      "watch.nodes=true",
      "podMonitor.enabled=true",
      "prometheusRule.enabled=true",
    );
    await install(manifests);
    operator = await start(manifests, "twin");
  });
  afterAll(async () => expect(await operator?.stop()).toBe(0));

  it("installs with everything on, and its ServiceAccount runs a simulation", async () => {
    expect(manifests.map(describeObject)).toContain("PodMonitor/twin/servetwin");
    await apply(plane, preview("charted", "other"));
    await finishes("charted", "other", operator);
    expect(await refusals(operator)).toEqual([]);
  });

  it("asks the operator at `helm test` (deploy/helm/servetwin/templates/tests/answers.yaml) whether it is well", async () => {
    const hooks = manifests.filter(isHook);
    expect(hooks.map(describeObject)).toEqual(["NetworkPolicy/twin/servetwin-test", "Pod/twin/servetwin-test"]);
    // Pod Security lets the pod in.
    for (const hook of hooks) await apply(plane, hook);
    // The operator's Service doesn't send requests to it, and the hook's policy lets it in.
    const [policy, pod] = hooks as [Manifest, Manifest];
    const { labels } = pod.metadata as { labels?: Record<string, string> };
    const service = manifests.find(({ kind }) => kind === "Service") as Manifest;
    const { selector } = service["spec"] as { selector: Record<string, string> };
    expect(labels).not.toMatchObject(selector);
    const { ingress } = policy["spec"] as { ingress: [{ from: [{ podSelector: { matchLabels: object } }] }] };
    expect(labels).toMatchObject(ingress[0].from[0].podSelector.matchLabels);

    const [{ command, args }] = (pod["spec"] as TestPod).containers;
    const asked = (url: string, timeout: number): Promise<{ stdout: string; stderr: string }> =>
      promisify(execFile)(process.execPath, [...command.slice(1), ...args], { env: { SERVETWIN: url }, timeout }).catch(
        (error: { stdout: string; stderr: string }) => error,
      );
    expect((await asked(operator.url, 30_000)).stdout).toMatch(/^servetwin is ready; simulations: [1-9]\d*\n$/);
    const nobody = await asked("http://127.0.0.1:9", 3000);
    expect([nobody.stdout, nobody.stderr]).toEqual(["", expect.stringContaining("fetch failed")]);
  });
});
