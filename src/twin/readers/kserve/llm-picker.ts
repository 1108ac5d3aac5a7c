import { isMapping } from "../../../model/mapping.ts";
import type { MadeObject } from "../../composite.ts";
import { listIn, madeBy, type Said, saidIn, textIn } from "../../made-spec.ts";
import type { Manifest } from "../../manifest.ts";

/** How the router of an LLMInferenceService finds its pods. */
export const poolLabels = (name: string): Readonly<Record<string, string>> => ({
  "app.kubernetes.io/name": name,
  "app.kubernetes.io/part-of": "llminferenceservice",
  "kserve.io/component": "workload",
});

/**
 * InferencePool, endpoint picker and its Service where the spec asks for a scheduler of its own; else the Service of the pods.
 * Source: KServe v0.20 (main of 21 August 2026), config/llmisvcconfig/config-llm-scheduler.yaml, pkg/controller/v1alpha2/llmisvc/scheduler.go.
 */
export const routerOf = (maker: Manifest, spec: Said): readonly MadeObject[] => {
  const { name } = maker.metadata;
  const service = made(
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: madeBy(maker, `${name}-kserve-workload-svc`),
      spec: { selector: poolLabels(name), ports: [{ name: "http", port: 8000, targetPort: 8000 }] },
    },
    "the Service of its workloads",
  );
  const scheduler = saidIn(spec, "router").scheduler;
  if (!isMapping(scheduler) || isMapping(saidIn(scheduler, "pool").ref)) return [service];
  return [service, ...pickerOf(maker, spec, scheduler)];
};

const pickerOf = (maker: Manifest, spec: Said, scheduler: Said): readonly MadeObject[] => {
  const { name, namespace = "default" } = maker.metadata;
  const [pool, picker] = [`${name}-inference-pool`, `${name}-kserve-router-scheduler`];
  const labels = {
    "app.kubernetes.io/name": name,
    "app.kubernetes.io/component": "llminferenceservice-router-scheduler",
  };
  const said = saidIn(scheduler, "pool", "spec");
  const template = "kserve-config-llm-scheduler";
  const [container, config] = containerOf(scheduler, { pool, namespace, spec });
  const poolSpec = {
    selector: { matchLabels: poolLabels(name) },
    targetPorts: [{ number: 8000 }],
    endpointPickerRef: {
      kind: "Service",
      name: `${name}-epp-service`,
      port: { number: 9002 },
      failureMode: "FailOpen",
    },
    ...said,
  };
  return [
    made(
      {
        apiVersion: "inference.networking.k8s.io/v1",
        kind: "InferencePool",
        metadata: madeBy(maker, pool),
        spec: poolSpec,
      },
      template,
      [{ made: "spec", from: "spec.router.scheduler.pool.spec" }],
    ),
    made(
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: madeBy(maker, `${name}-epp-service`),
        spec: { selector: labels, ports: [{ name: "grpc", port: 9002 }] },
      },
      template,
    ),
    made(
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: madeBy(maker, picker, labels),
        spec: {
          replicas: scheduler.replicas ?? 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { ...saidIn(scheduler, "template"), containers: [container] } },
        },
      },
      template,
      [{ made: "spec.replicas", from: "spec.router.scheduler.replicas" }, ...config],
    ),
  ];
};

/** The picker's container, and which of its arguments are the user's. */
const containerOf = (
  scheduler: Said,
  { pool, namespace, spec }: { readonly pool: string; readonly namespace: string; readonly spec: Said },
): readonly [Said, MadeObject["origins"]] => {
  const user = listIn(saidIn(scheduler, "template"), "containers").find(({ name }) => name === "main") ?? {};
  const own = ["--pool-name", pool, "--pool-namespace", namespace];
  const args = [...own, ...(Array.isArray(user.args) ? (user.args as unknown[]) : [])];
  const inline = saidIn(scheduler, "config").inline;
  const configured = args.some((arg) => /^--?config-?(text|file|Text|File)/.test(String(arg)));
  if (!configured) {
    args.push("--config-text", JSON.stringify(isMapping(inline) ? inline : defaultConfig(spec)));
  }
  const origins = isMapping(inline)
    ? [
        {
          made: `spec.template.spec.containers[0].args[${args.length - 1}]`,
          from: "spec.router.scheduler.config.inline",
        },
      ]
    : [];
  return [{ ...user, name: "main", image: textIn(user, "image") ?? IMAGE, command: ["/app/epp"], args }, origins];
};

const IMAGE = "ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0";

/** What KServe gives a picker where the spec says nothing (scheduler.go, schedulerConfigText). */
const defaultConfig = (spec: Said): Said => {
  const lora = listIn(saidIn(spec, "model", "lora"), "adapters").length > 0;
  const prefills = isMapping(spec.prefill);
  const scored = (...scorers: readonly (readonly [string, number])[]): readonly Said[] => [
    ...(lora ? [{ pluginRef: "lora-affinity-scorer", weight: 4 }] : []),
    ...scorers.map(([pluginRef, weight]) => ({ pluginRef, weight })),
    { pluginRef: "max-score-picker" },
  ];
  const head = { apiVersion: "llm-d.ai/v1alpha1", kind: "EndpointPickerConfig" };
  const typed = (...types: readonly string[]): readonly Said[] =>
    [...types, ...(lora ? ["lora-affinity-scorer"] : [])].map((type) => ({ type }));
  const scorers = ["queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer"];
  if (!prefills) {
    return {
      ...head,
      plugins: typed("single-profile-handler", ...scorers, "no-hit-lru-scorer", "max-score-picker"),
      schedulingProfiles: [
        {
          name: "default",
          plugins: scored(
            ["queue-scorer", 2],
            ["kv-cache-utilization-scorer", 2],
            ["prefix-cache-scorer", 3],
            ["no-hit-lru-scorer", 2],
          ),
        },
      ],
    };
  }
  const filters = ["disagg-headers-handler", "prefill-filter", "decode-filter"];
  return {
    ...head,
    plugins: [
      ...typed(...filters, ...scorers, "active-request-scorer", "max-score-picker", "always-disagg-pd-decider"),
      { type: "disagg-profile-handler", parameters: { deciders: { prefill: "always-disagg-pd-decider" } } },
    ],
    schedulingProfiles: [
      {
        name: "prefill",
        plugins: [
          { pluginRef: "prefill-filter" },
          ...scored(["prefix-cache-scorer", 3], ["queue-scorer", 2], ["kv-cache-utilization-scorer", 2]),
        ],
      },
      {
        name: "decode",
        plugins: [{ pluginRef: "decode-filter" }, ...scored(["active-request-scorer", 2], ["prefix-cache-scorer", 3])],
      },
    ],
  };
};

const made = (manifest: Manifest, template: string, origins: MadeObject["origins"] = []): MadeObject => ({
  manifest,
  template,
  origins,
});
