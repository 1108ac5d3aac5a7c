import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { RuleGroup, Store, targetLabels } from "../../src/promql/index.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import type { Mirrored } from "../../src/twin/mirror.ts";
import { LlmdEpp } from "./llm-d-epp.ts";

/** The example with these objects beside it; each is YAML without its apiVersion. */
const withObjects = (...texts: readonly string[]): LlmdEpp => {
  const setup = new LlmdEpp();
  for (const text of texts) setup.objects.push({ apiVersion: "monitoring.coreos.com/v1", ...(load(text) as object) });
  return setup;
};

const good = (setup: LlmdEpp): Mirrored & { readonly warnings: readonly string[] } => {
  const result = setup.mirror();
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return { ...result.value, warnings: result.warnings.map(describeProblem) };
};

const told = ({ values }: Mirrored, path: string): readonly string[] =>
  values.filter((one) => one.path === path).map(({ value, from }) => `${value} (${describeSource(from)})`);

const PODS = `
kind: PodMonitor
metadata: {name: vllm, namespace: monitoring}
spec:
  namespaceSelector: {matchNames: [serving]}
  selector: {matchLabels: {app: qwen3-14b}}
  podMetricsEndpoints: [{port: http, interval: 15s}]`;

const PICKER_SERVICE = `
kind: ServiceMonitor
metadata: {name: epp, namespace: serving}
spec:
  selector: {matchLabels: {app: epp}}
  endpoints: [{targetPort: metrics, interval: 10s}]`;

const ENGINE_SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: vllm, namespace: serving, labels: {app: engines}}
spec:
  selector: {app: qwen3-14b}
  ports: [{name: web, port: 80, targetPort: http}, {name: raw, port: 8000}]`;

const SERVICES = `
kind: ServiceMonitor
metadata: {name: engines, namespace: serving}
spec:
  selector: {matchLabels: {app: engines}}
  endpoints: [{port: web}]`;

const UNCOVERED = "no monitor scrapes its pods, though others are: it is scraped as if there were no monitors";
const EPP_UNCOVERED = `Deployment/serving/qwen3-14b-epp: ${UNCOVERED}; let a PodMonitor or ServiceMonitor select it`;
const ENGINE_UNCOVERED = `Deployment/serving/vllm-qwen3-14b: ${UNCOVERED}; let a PodMonitor or ServiceMonitor select it`;

describe("scrape jobs", () => {
  it("are none without monitors, and then nothing is said of them", () => {
    const { scenario, values } = good(new LlmdEpp());
    expect(scenario.metrics).toEqual({ scrapeIntervalMicros: 30e6, lookBackMicros: 300e6 });
    expect(values.filter(({ path }) => path.startsWith("metrics.")).map(({ path }) => path)).toEqual([
      "metrics.scrapeIntervalSeconds",
      "metrics.lookBackSeconds",
    ]);
  });

  it("are none of monitors that select others", () => {
    const others = [
      PODS.replace("app: qwen3-14b", "app: other"),
      PODS.replace("[serving]", "[elsewhere]"),
      PODS.replace("matchNames: [serving]", ""),
      SERVICES,
    ];
    const { scenario, warnings, reads } = good(withObjects(...others));
    expect(warnings).toEqual([]);
    expect(scenarioDigest(scenario)).toBe(scenarioDigest(good(new LlmdEpp()).scenario));
    expect(reads.filter(({ kind }) => kind.endsWith("Monitor"))).toEqual([]);
  });

  it("of a PodMonitor scrape the engines at its interval", () => {
    const mirrored = good(withObjects(PODS));
    const { metrics } = mirrored.scenario;
    expect(metrics.jobs).toHaveLength(1);
    expect(metrics.jobs?.[0]).toMatchObject({
      job: { name: "podMonitor/monitoring/vllm/0", intervalMs: 15_000 },
      targets: [
        {
          of: { role: "engine", name: "vllm-qwen3-14b" },
          namespace: "serving",
          container: "vllm",
          port: { name: "http", number: 8000 },
        },
      ],
    });
    expect(metrics.scrapeIntervalMicros).toBe(15e6);
    const from = "15 (PodMonitor/monitoring/vllm spec.podMetricsEndpoints[0].interval)";
    expect(told(mirrored, "metrics.scrapeIntervalSeconds")).toEqual([from]);
    expect(told(mirrored, "metrics.jobs[podMonitor/monitoring/vllm/0].intervalSeconds")).toEqual([from]);
    expect(mirrored.reads).toContainEqual({ kind: "PodMonitor", namespace: "monitoring", name: "vllm" });
    expect(mirrored.warnings).toEqual([EPP_UNCOVERED]);
  });

  it("give targets that are named by their pods", () => {
    const [first] = good(withObjects(PODS)).scenario.metrics.jobs ?? [];
    const [target] = first?.targets ?? [];
    if (first === undefined || target === undefined) throw new Error("no target");
    expect(targetLabels(first.job, { ...target, pod: "vllm-0", podIp: "10.0.0.1" })?.record()).toEqual({
      namespace: "serving",
      pod: "vllm-0",
      container: "vllm",
      endpoint: "http",
      job: "monitoring/vllm",
      instance: "10.0.0.1:8000",
    });
  });

  it("of ServiceMonitors scrape what stands behind the Services", () => {
    const setup = withObjects(ENGINE_SERVICE, SERVICES, PICKER_SERVICE);
    setup.the("Service", "qwen3-14b-epp").metadata.labels = { app: "epp" };
    const mirrored = good(setup);
    expect(mirrored.warnings).toEqual([]);
    expect(
      mirrored.scenario.metrics.jobs?.map(({ job, targets }) => [
        job.name,
        ...targets.map(({ of, port, service }) => `${of.role} ${of.name}:${port?.number} ${service?.portName}`),
      ]),
    ).toEqual([
      ["serviceMonitor/serving/engines/0", "engine vllm-qwen3-14b:8000 web"],
      ["serviceMonitor/serving/epp/0", "endpoint-picker qwen3-14b-epp:9090 undefined"],
    ]);
    expect(told(mirrored, "metrics.scrapeIntervalSeconds")).toEqual([
      "30 (default: prometheus-operator: spec.scrapeInterval of a Prometheus is 30s)",
    ]);
    expect(mirrored.reads).toContainEqual({ kind: "Service", namespace: "serving", name: "vllm" });
  });

  it("have the interval that the simulation says, where they scrape engines", () => {
    const setup = withObjects(PODS.replace("15s", "15s, scrapeTimeout: 12s"), PICKER_SERVICE);
    setup.the("Service", "qwen3-14b-epp").metadata.labels = { app: "epp" };
    setup.simulation.spec.overrides = { metrics: { scrapeInterval: "5s" } };
    const mirrored = good(setup);
    const { metrics } = mirrored.scenario;
    expect(metrics.scrapeIntervalMicros).toBe(5e6);
    expect(metrics.jobs?.map(({ job }) => [job.intervalMs, job.timeoutMs])).toEqual([
      [5000, 5000],
      [10_000, 10_000],
    ]);
    expect(told(mirrored, "metrics.scrapeIntervalSeconds")).toEqual([
      "5 (override spec.overrides.metrics.scrapeInterval)",
    ]);
  });

  const M = "PodMonitor/monitoring/vllm: spec.podMetricsEndpoints[0]";
  it.each<{ name: string; objects: readonly string[]; change?: (s: LlmdEpp) => void; warnings: readonly string[] }>([
    {
      name: "two of one target",
      objects: [PODS, ENGINE_SERVICE, SERVICES],
      warnings: [
        "ServiceMonitor/serving/engines: spec.endpoints[0]: scrapes the pods of vllm-qwen3-14b, as podMonitor/monitoring/vllm/0 does: all of their series are there twice, and sums count them twice; keep one of the two",
        EPP_UNCOVERED,
      ],
    },
    {
      name: "a port that no container has",
      objects: [PODS.replace("port: http", "port: metrics")],
      warnings: [
        `${M}: reaches the pods of vllm-qwen3-14b, but at none of their ports: nothing is scraped; name one of the ports http`,
      ],
    },
    {
      name: "a port that no Service has",
      objects: [ENGINE_SERVICE, SERVICES.replace("port: web", "port: http")],
      warnings: [
        "ServiceMonitor/serving/engines: spec.endpoints[0]: reaches the pods of vllm-qwen3-14b, but at none of their ports: nothing is scraped; name one of the ports web, raw",
      ],
    },
    {
      name: "a container without ports",
      objects: [PODS.replace("port: http, ", "")],
      change: (s) => delete s.workload.spec.template.spec.containers[0].ports,
      warnings: [
        `${M}: scrapes container vllm of vllm-qwen3-14b, which declares no port: that fails, and gives no series; declare the port at the container`,
      ],
    },
    {
      name: "a container that is not simulated",
      objects: [PODS.replace("port: http", "port: proxy")],
      change: (s) => {
        s.workload.spec.template.spec.initContainers = [
          { name: "routing-proxy", ports: [{ name: "proxy", containerPort: 8200 }] },
        ];
      },
      warnings: [`${M}: scrapes container routing-proxy of vllm-qwen3-14b, which is not simulated: it gives no series`],
    },
    {
      name: "what the operator refuses",
      objects: [PODS.replace("interval: 15s", "interval: 15s, scrapeTimeout: 20s")],
      warnings: [
        `${M}.scrapeTimeout: scrapeTimeout 20 s greater than scrapeInterval 15 s: prometheus-operator refuses the whole object, so nothing is scraped by it; set at most the interval`,
      ],
    },
    {
      name: "engines that none scrapes",
      objects: [PICKER_SERVICE],
      change: (s) => (s.the("Service", "qwen3-14b-epp").metadata.labels = { app: "epp" }),
      warnings: [ENGINE_UNCOVERED],
    },
  ])("tell of $name", ({ objects, change, warnings }) => {
    const setup = withObjects(...objects);
    change?.(setup);
    const mirrored = good(setup);
    expect(mirrored.warnings).toEqual(warnings);
    const isScraped = warnings.at(-1)?.includes(UNCOVERED) === true;
    expect(mirrored.scenario.metrics.jobs !== undefined).toBe(isScraped);
  });
});

const rules = (name: string, groups: string): string => `
kind: PrometheusRule
metadata: {name: ${name}, namespace: monitoring}
spec: {groups: [${groups}]}`;

describe("rule groups", () => {
  const QUEUE = '{name: queue, rules: [{record: "queue:sum", expr: "sum(vllm:num_requests_waiting)"}]}';
  const ALERTS = '{name: alerts, interval: 15s, rules: [{alert: Full, expr: "queue:sum > 5"}]}';
  const NODES = '{name: nodes, rules: [{record: "node:cpu", expr: "sum(rate(node_cpu_seconds_total[5m]))"}]}';
  const PATTERN = "{name: pattern, rules: [{record: all, expr: 'count({__name__=~\"vllm:.*\"})'}]}";
  const EVERYTHING = "{name: everything, rules: [{record: n, expr: 'count({job!=\"\"})'}]}";
  const namesOf = ({ scenario }: Mirrored) => scenario.metrics.ruleGroups?.map(({ name }) => name);

  it("are those that read what is simulated, or what such groups record, in whatever order", () => {
    const mirrored = good(
      withObjects(rules("a", `${ALERTS}, ${NODES}, ${EVERYTHING}`), rules("b", `${QUEUE}, ${PATTERN}`)),
    );
    expect(namesOf(mirrored)).toEqual(["alerts", "queue", "pattern"]);
    expect(mirrored.warnings).toEqual([]);
    expect(told(mirrored, "metrics.ruleGroups[monitoring/b/queue].rules")).toEqual([
      "1 (PrometheusRule/monitoring/b spec.groups[0])",
    ]);
    expect(mirrored.reads).toContainEqual({ kind: "PrometheusRule", namespace: "monitoring", name: "a" });
  });

  it("are none where no group reads anything of it", () => {
    const mirrored = good(withObjects(rules("a", `${ALERTS}, ${NODES}`)));
    expect(scenarioDigest(mirrored.scenario)).toBe(scenarioDigest(good(new LlmdEpp()).scenario));
    expect(mirrored.reads.filter(({ kind }) => kind === "PrometheusRule")).toEqual([]);
  });

  it("can be evaluated as they are", () => {
    const store = new Store({ retentionMs: 1e6 });
    const [spec] = good(withObjects(rules("a", QUEUE))).scenario.metrics.ruleGroups ?? [];
    if (spec === undefined) throw new Error("no group");
    expect(new RuleGroup(spec, store).evaluate(1000)).toEqual([]);
  });

  it("of an object that the operator refuses are left out, and a warning says so where it matters", () => {
    const broken = '{name: broken, rules: [{record: x, expr: "sum("}]}';
    const mirrored = good(withObjects(rules("a", `${QUEUE}, ${broken}`), rules("b", `${NODES}, ${broken}`)));
    expect(namesOf(mirrored)).toBeUndefined();
    expect(mirrored.warnings).toEqual([
      "PrometheusRule/monitoring/a: spec.groups[1].rules[0].expr: could not parse expression: 1:5: parse error: unexpected end of input: prometheus-operator refuses the whole object, so none of its rules is evaluated",
    ]);
  });
});
