import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { ControllerTarget } from "../src/controlplane/controller.ts";
import { VariantMetrics } from "../src/controlplane/wva/metrics.ts";
import { OperatorMetrics } from "../src/exporter/operator-metrics.ts";
import { VERSION } from "../src/model/version.ts";
import { metricsDocs } from "../src/report/metrics/docs.ts";
import { answerDocument } from "../src/schema/answer-document.ts";
import { crdYaml } from "../src/schema/crd.ts";
import { decisionDocument } from "../src/schema/decision-document.ts";
import { crdDocs } from "../src/schema/docs.ts";
import { explainDocument } from "../src/schema/explain-document.ts";
import { documentSchema } from "../src/schema/json-document.ts";
import { runDocument } from "../src/schema/run-document.ts";
import { openApi } from "../src/server/openapi.ts";
import { ROUTES } from "../src/server/routes.ts";
import { sweepDocument } from "../src/server/view.ts";
import { gatewayDocs } from "../src/twin/gateway-docs.ts";
import { configMaps, DASHBOARDS, dashboardJson, grafanaDashboards } from "./dashboards/index.ts";
import {
  chartRules,
  clusterOverlayRbac,
  gateRbac,
  namespacedOverlayRbac,
  reportsRbac,
  sweepJobsRbac,
} from "./install/access.ts";
import { chartAlerts, chartCrd, chartWebhooks } from "./install/chart-files.ts";

/** What each command prints with `-o json`. */
export const DOCUMENTS = [
  { file: "preview.json", title: "servetwin preview -o json, servetwin check --json", schema: answerDocument },
  { file: "run.json", title: "servetwin run -o json", schema: runDocument },
  { file: "explain.json", title: "servetwin explain -o json", schema: explainDocument },
  { file: "decision.json", title: "a line of servetwin run --decisions", schema: decisionDocument },
  { file: "sweep.json", title: "servetwin sweep -o json", schema: sweepDocument },
] as const;

/** Files that follow from the code: `npm run gen` writes them, a test fails when they are stale. Paths from the repository's root. */
export const GENERATED: readonly { readonly path: string; readonly text: () => string | Promise<string> }[] = [
  { path: "crds/servetwin.dev_inferencesimulations.yaml", text: crdYaml },
  { path: "deploy/kustomize/overlays/cluster/rbac.yaml", text: clusterOverlayRbac },
  { path: "deploy/kustomize/overlays/namespaced/rbac.yaml", text: namespacedOverlayRbac },
  { path: "deploy/kustomize/sweep-jobs/rbac.yaml", text: sweepJobsRbac },
  { path: "deploy/kustomize/report-config-maps/rbac.yaml", text: reportsRbac },
  { path: "deploy/helm/servetwin/files/rules.yaml", text: chartRules },
  { path: "deploy/gitops/argo-cd/role.yaml", text: gateRbac },
  { path: "deploy/helm/servetwin/files/alerts.yaml", text: chartAlerts },
  { path: "deploy/helm/servetwin/files/webhooks.yaml", text: chartWebhooks },
  { path: "deploy/helm/servetwin/files/crd.yaml", text: chartCrd },
  { path: "docs/crd.md", text: crdDocs },
  { path: "docs/openapi.json", text: () => `${JSON.stringify(openApi(ROUTES), null, 2)}\n` },
  ...DOCUMENTS.map(({ file, title, schema }) => ({
    path: `docs/schemas/${file}`,
    text: () => documentSchema(title, schema),
  })),
  { path: "docs/gateway.md", text: gatewayDocs },
  ...Object.entries(DASHBOARDS).map(([name, one]) => ({
    path: `dashboards/${name}.json`,
    text: () => dashboardJson(one),
  })),
  { path: "deploy/grafana/config-maps.yaml", text: configMaps },
  { path: "deploy/grafana/grafana-dashboards.yaml", text: grafanaDashboards },
  { path: "docs/metrics.md", text: async () => metricsDocs(await ownMetrics().described(), controllerPage()) },
];

/** Of an idle operator, as far as its metrics go. */
export const ownMetrics = (withProcess = false): OperatorMetrics => {
  const idle = {
    leading: false,
    workers: { active: 0, most: 1 },
    queue: { waiting: { edit: 0, resync: 0 }, unfinishedSeconds: 0, longestSeconds: 0 },
    pendingSamples: 0,
    simulations: [],
  };
  return new OperatorMetrics(() => idle, { version: VERSION }, withProcess);
};

const controllerPage = () => {
  const page = new VariantMetrics();
  const target = { name: "", workload: "", model: "", namespace: "", accelerator: "" } as ControllerTarget;
  page.set(target, 1, 1);
  page.count(target, "scale-up", "");
  return page.families();
};

const root = new URL("../", import.meta.url);

/** What is there now; empty if there is no such file. */
export const committed = (path: string): string => {
  try {
    return readFileSync(new URL(path, root), "utf8");
  } catch {
    return "";
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, text } of GENERATED) {
    const target = fileURLToPath(new URL(path, root));
    const wanted = await text();
    if (committed(path) === wanted) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, wanted);
    console.log(`wrote ${path}`);
  }
}
