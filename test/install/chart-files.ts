import { readFileSync } from "node:fs";
import { dump, load } from "js-yaml";
import { crd } from "../../src/schema/crd.ts";

/** A chart can't read what lies outside its folder: it gets copies, written by `npm run gen`. */
const text = (source: string, value: unknown): string =>
  `# Generated from ${source} by \`npm run gen\`; don't edit.\n${dump(value, { noRefs: true, lineWidth: 120 })}`;

const ALERTS = "deploy/kustomize/components/monitoring/prometheus-rule.yaml";

/** The groups of alerts, as kustomize's PrometheusRule has them. */
export const chartAlerts = (): string => {
  const rule = load(readFileSync(new URL(`../../${ALERTS}`, import.meta.url), "utf8")) as { spec: unknown };
  return text(ALERTS, rule.spec);
};

/** The CRD, to be kept when the chart is uninstalled: with it would go every simulation of the cluster. */
export const chartCrd = (): string => {
  const plain = crd();
  const labels = { "app.kubernetes.io/name": "servetwin", "app.kubernetes.io/part-of": "servetwin" };
  const annotations = { "helm.sh/resource-policy": "keep" };
  return text("src/schema", { ...plain, metadata: { ...plain.metadata, labels, annotations } });
};

const WEBHOOK = "deploy/kustomize/components/webhook/webhook.yaml";

/** What the API server asks about; whom it asks is the release's. */
export const chartWebhooks = (): string => {
  const { webhooks } = load(readFileSync(new URL(`../../${WEBHOOK}`, import.meta.url), "utf8")) as {
    webhooks: readonly Record<string, unknown>[];
  };
  return text(WEBHOOK, { webhooks: webhooks.map(({ clientConfig: _, ...webhook }) => webhook) });
};
