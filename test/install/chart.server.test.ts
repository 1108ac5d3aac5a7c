import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { dump } from "js-yaml";
import { afterAll, describe, expect, it } from "vitest";
import { describeObject, type Manifest } from "../env/manifests.ts";
import { CHART, chart, helm, isHook, kustomize } from "./render.ts";

/** The Helm chart (deploy/helm/servetwin), rendered by the real helm, beside what the real kubectl makes of deploy/kustomize. */

const root = new URL("../../", import.meta.url);

const EVERYTHING = ["podMonitor.enabled=true", "prometheusRule.enabled=true", "webhook.enabled=true"];
const SWEEP_JOBS = 'sweepJobs.namespaces=["inference"]';
const REPORTS = 'reportConfigMaps.namespaces=["inference"]';

/** What only one of the two knows: release and chart; the namespace, which a chart's user makes; and tests, which only helm runs. */
const comparable = (manifests: readonly Manifest[], namespace: string): Record<string, unknown> =>
  Object.fromEntries(
    manifests
      .filter((manifest) => manifest.kind !== "Namespace" && !isHook(manifest))
      .map((manifest) => {
        const {
          labels = {},
          annotations = {},
          ...metadata
        } = structuredClone(manifest.metadata) as {
          labels?: Record<string, string>;
          annotations?: Record<string, string>;
          name: string;
        };
        for (const label of ["instance", "version", "managed-by"]) delete labels[`app.kubernetes.io/${label}`];
        delete labels["helm.sh/chart"];
        delete annotations["helm.sh/resource-policy"];
        const same = { ...manifest, metadata: { ...metadata, labels, annotations } };
        // A chart knows the namespace when it is rendered; with kustomize the pod finds out.
        const text = JSON.stringify(same).replaceAll("--namespace=$(POD_NAMESPACE)", () => `--namespace=${namespace}`);
        return [describeObject(manifest), JSON.parse(text)];
      }),
  );

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

const containerOf = (manifests: readonly Manifest[]): Container => {
  const deployment = manifests.find(({ kind }) => kind === "Deployment") as Manifest;
  return (deployment.spec as { template: { spec: { containers: [Container] } } }).template.spec.containers[0];
};

const overlays: string[] = [];
afterAll(() => {
  for (const folder of overlays) rmSync(folder, { recursive: true });
});

/** An overlay of somebody's own. @param resource a folder: of the repository, or an overlay made here. @returns its folder */
const overlay = (resource: string, more: { components?: readonly string[]; images?: readonly object[] }): string => {
  const folder = mkdtempSync(join(tmpdir(), "servetwin-overlay-"));
  overlays.push(folder);
  const from = (path: string): string => relative(folder, fileURLToPath(new URL(path, root)));
  const said = { resources: [from(resource)], ...more, components: (more.components ?? []).map(from) };
  writeFileSync(join(folder, "kustomization.yaml"), dump(said));
  return folder;
};

describe("the chart", () => {
  it("passes helm lint, strictly", async () => {
    expect(await helm("lint", "--strict", "deploy/helm/servetwin")).toContain("0 chart(s) failed");
  });

  it("installs what the overlay for a cluster installs", async () => {
    const ours = comparable(await chart("servetwin-system"), "servetwin-system");
    expect(ours).toEqual(comparable(await kustomize("deploy/kustomize/overlays/cluster"), "servetwin-system"));
    expect(Object.keys(ours)).toHaveLength(12);
  });

  it("installs what the overlay for a namespace installs", async () => {
    const values = ['watch.namespaces=["inference"]', "crds.install=false"];
    const ours = comparable(await chart("inference", ...values), "inference");
    expect(ours).toEqual(comparable(await kustomize("deploy/kustomize/overlays/namespaced"), "inference"));
    expect(Object.values(ours).filter((object) => (object as Manifest).kind.startsWith("Cluster"))).toEqual([]);
  });

  it("installs with everything on what the complete overlay installs", async () => {
    const ours = comparable(await chart("servetwin-system", ...EVERYTHING), "servetwin-system");
    expect(ours).toEqual(comparable(await kustomize("deploy/kustomize/overlays/complete"), "servetwin-system"));
    expect(Object.keys(ours)).toHaveLength(18);
  });

  it("lets sweeps run as Jobs where kustomize does, of the operator's own image", async () => {
    const charted = await chart("servetwin-system", SWEEP_JOBS, 'image.tag="9"');
    const rights = comparable(await kustomize("deploy/kustomize/sweep-jobs"), "inference");
    expect(comparable(charted, "servetwin-system")).toMatchObject(rights);
    expect(Object.keys(rights)).toHaveLength(4);

    // On top of an overlay that names its own image.
    const images = [{ name: "ghcr.io/servetwin/servetwin", newTag: "9" }];
    const below = overlay("deploy/kustomize/overlays/cluster", { images });
    const built = await kustomize(overlay(below, { components: ["deploy/kustomize/components/sweep-jobs"] }));
    const told = (manifests: readonly Manifest[]): string[] => {
      const { args, env } = containerOf(manifests);
      const value = env.find(({ name }) => name === "SWEEP_IMAGE")?.value ?? "";
      return args.filter((arg) => arg.startsWith("--sweep")).map((arg) => arg.replace("$(SWEEP_IMAGE)", value));
    };
    expect(told(charted)).toEqual(["--sweep-image=ghcr.io/servetwin/servetwin:9", "--sweep-job-namespace=inference"]);
    expect(told(built)).toEqual(told(charted));
  });

  it("lets reports into ConfigMaps where kustomize does", async () => {
    const charted = await chart("servetwin-system", REPORTS);
    const rights = comparable(await kustomize("deploy/kustomize/report-config-maps"), "inference");
    expect(comparable(charted, "servetwin-system")).toMatchObject(rights);
    expect(Object.keys(rights)).toHaveLength(2);
    const components = ["deploy/kustomize/components/report-config-maps"];
    const built = await kustomize(overlay("deploy/kustomize/overlays/cluster", { components }));
    const told = (manifests: readonly Manifest[]): string[] =>
      containerOf(manifests).args.filter((arg) => arg.startsWith("--report"));
    expect(told(charted)).toEqual(["--report-config-map-namespace=inference"]);
    expect(told(built)).toEqual(told(charted));
    expect(told(await chart("servetwin-system"))).toEqual([]);
  });

  it("asks about the watched namespaces only", async () => {
    const rendered = await chart("twin", 'watch.namespaces=["a","b"]', "webhook.enabled=true");
    const [configuration] = rendered.filter(({ kind }) => kind === "ValidatingWebhookConfiguration");
    const among = { key: "kubernetes.io/metadata.name", operator: "In", values: ["a", "b"] };
    expect(configuration).toMatchObject({
      metadata: { name: "servetwin-twin" },
      webhooks: [
        { namespaceSelector: { matchExpressions: [among] } },
        { namespaceSelector: { matchExpressions: [among] } },
      ],
    });
  });

  it("takes certificates that somebody else makes", async () => {
    const rendered = await chart(
      "twin",
      "webhook.enabled=true",
      "webhook.certManager=false",
      'webhook.caBundle="QUJD"',
    );
    expect(rendered.filter(({ apiVersion }) => apiVersion.startsWith("cert-manager.io/"))).toEqual([]);
    const [configuration] = rendered.filter(({ kind }) => kind === "ValidatingWebhookConfiguration");
    expect(configuration?.metadata.annotations).toBeUndefined();
    expect(configuration?.webhooks).toMatchObject([
      { clientConfig: { caBundle: "QUJD", service: { namespace: "twin" } }, failurePolicy: "Ignore" },
      { clientConfig: { caBundle: "QUJD", service: { namespace: "twin" } }, failurePolicy: "Ignore" },
    ]);
  });

  it("uses each of its templates and files", async () => {
    const sets = [...EVERYTHING, SWEEP_JOBS, REPORTS].flatMap((value) => ["--set-json", value]);
    const rendered = await helm("template", "servetwin", CHART, ...sets);
    const templates = readdirSync(new URL("deploy/helm/servetwin/templates", root), {
      recursive: true,
      encoding: "utf8",
    }).filter((name) => name.endsWith(".yaml"));
    expect(templates.filter((name) => !rendered.includes(`# Source: servetwin/templates/${name}`))).toEqual([]);
    const sources = templates.map((name) => readFileSync(new URL(`${CHART}/templates/${name}`, root), "utf8")).join();
    for (const name of readdirSync(new URL("deploy/helm/servetwin/files", root)))
      expect(sources).toContain(`.Files.Get "files/${name}"`);
  });

  it("gives a Role in each watched namespace, and reads Nodes only if told so", async () => {
    const values = ['watch.namespaces=["a","b"]', "crds.install=false"];
    const rights = (manifests: readonly Manifest[]) =>
      manifests
        .filter(({ kind }) => kind.endsWith("Role"))
        .map(describeObject)
        .sort();
    expect(rights(await chart("twin", ...values))).toEqual([
      "Role/a/servetwin",
      "Role/b/servetwin",
      "Role/twin/servetwin-lease",
    ]);
    expect(rights(await chart("twin", ...values, "watch.nodes=true"))).toContain("ClusterRole//servetwin-twin");
  });

  it("puts every value where it belongs", async () => {
    const [deployment] = (
      await chart(
        "twin",
        'image.digest="sha256:' + "a".repeat(64) + '"',
        'image.pullSecrets=["registry"]',
        'operator.mirrorNamespaces=["*"]',
        'operator.allowUrls=["https://traces.example/a b/"]',
        'operator.extraArgs=["--max-horizon=90d"]',
        'podAnnotations={"a":"1"}',
        'podLabels={"team":"x"}',
        'nodeSelector={"pool":"ops"}',
        'tolerations=[{"key":"ops","operator":"Exists"}]',
        'affinity={"nodeAffinity":{}}',
        'priorityClassName="high"',
      )
    ).filter(({ kind }) => kind === "Deployment");
    const { template } = (deployment as Manifest).spec as {
      template: { metadata: object; spec: Record<string, unknown> };
    };
    expect(template.metadata).toEqual({
      annotations: { a: "1" },
      labels: { "app.kubernetes.io/name": "servetwin", team: "x" },
    });
    expect(template.spec).toMatchObject({
      imagePullSecrets: [{ name: "registry" }],
      nodeSelector: { pool: "ops" },
      tolerations: [{ key: "ops", operator: "Exists" }],
      affinity: { nodeAffinity: {} },
      priorityClassName: "high",
      containers: [{ image: `ghcr.io/servetwin/servetwin@sha256:${"a".repeat(64)}` }],
    });
    const [{ args }] = template.spec.containers as [{ args: string[] }];
    expect(args.slice(-3)).toEqual([
      "--mirror-namespace=*",
      "--allow-url=https://traces.example/a b/",
      "--max-horizon=90d",
    ]);
  });

  it.each([
    ["a value that there isn't", "podMonitr.enabled=true", "podMonitr"],
    ["a namespace that can't be", 'watch.namespaces=["A_b"]', "/watch/namespaces/0"],
    ["threads that are none", "operator.threads=0", "/operator/threads"],
    ["a URL that is none", 'operator.allowUrls=["traces"]', "/operator/allowUrls/0"],
  ])("refuses %s, and says where", async (_name, value, where) => {
    await expect(chart("twin", value)).rejects.toThrow(where);
  });
});
