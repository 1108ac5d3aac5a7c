import * as z from "zod";

/*
 * The configuration of prometheus-adapter as it lies in its ConfigMap: every field that there is, an unknown one refused,
 * what is left out filled in as Go's zero value or the adapter's default. Plain data, crosses the thread boundary.
 * Source: kubernetes-sigs/prometheus-adapter v0.12.0, pkg/config (read strictly: yaml.UnmarshalStrict).
 */

const text = z.string().max(8192);
const MOST_RULES = 500;

const groupResource = z.strictObject({ group: text.default(""), resource: text.min(1) });

const resourceMapping = z.strictObject({
  template: text.default(""),
  /** By name of the label. */
  overrides: z.record(z.string().max(128), groupResource).default({}),
  /** Of external rules: whether a query asks for the namespace of whoever asks. */
  namespaced: z.boolean().default(true),
});

const regexFilter = z
  .strictObject({ is: text.default(""), isNot: text.default("") })
  .refine(({ is, isNot }) => (is === "") !== (isNot === ""), { error: "exactly one of is and isNot must be set" });

const rule = z.strictObject({
  seriesQuery: text.min(1),
  seriesFilters: z.array(regexFilter).max(100).default([]),
  resources: resourceMapping.prefault({}),
  name: z.strictObject({ matches: text.default(""), as: text.default("") }).prefault({}),
  metricsQuery: text.default(""),
});

const resourceRule = z.strictObject({
  containerQuery: text.default(""),
  nodeQuery: text.default(""),
  resources: resourceMapping.prefault({}),
  containerLabel: text.default(""),
});

/** Source: ParseDuration in prometheus/common v0.46, model/time.go. */
const WINDOW = /^(?:0|(?=\d)(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?)$/;

const rules = z.array(rule).max(MOST_RULES).default([]);

export const adapterConfig = z.strictObject({
  /** Of custom.metrics.k8s.io. */
  rules,
  /** Of external.metrics.k8s.io. */
  externalRules: rules,
  /** Of metrics.k8s.io; left out: the adapter does not serve it. */
  resourceRules: z
    .strictObject({
      cpu: resourceRule,
      memory: resourceRule,
      window: z
        .string()
        .regex(WINDOW, { error: "must be a duration of Prometheus such as 30s, 5m or 1h30m" })
        .default("0"),
    })
    .optional(),
});

export type AdapterConfig = z.output<typeof adapterConfig>;
export type DiscoveryRule = AdapterConfig["rules"][number];
export type ResourceMapping = DiscoveryRule["resources"];
export type ResourceRules = NonNullable<AdapterConfig["resourceRules"]>;
export type ResourceRule = ResourceRules["cpu"];

const UNIT_SECONDS = { y: 31_536_000, w: 604_800, d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 } as const;

/** @returns seconds of a duration as `window` takes it */
export const windowSeconds = (window: string): number =>
  [...window.matchAll(/(\d+)(ms|[ywdhms])/g)].reduce(
    (total, [, amount, unit]) => total + Number(amount) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS],
    0,
  );
