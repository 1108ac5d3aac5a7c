import { describe, expect, it } from "vitest";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem, type Problem } from "../../src/model/problem.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import { type Mirrored, pickerConfigWanted } from "../../src/twin/mirror.ts";
import { LlmdEpp } from "./llm-d-epp.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const good = (setup: LlmdEpp): Mirrored => {
  const result = setup.mirror();
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return result.value;
};
const told = ({ values }: Mirrored, path: string): readonly [unknown, string] | undefined => {
  const found = values.filter((one) => one.path === path);
  expect(found.length, `${path} is told once`).toBeLessThanOrEqual(1);
  return found[0] === undefined ? undefined : [found[0].value, describeSource(found[0].from)];
};
const problems = (setup: { mirror(): ReturnType<LlmdEpp["mirror"]> }): readonly Problem[] => {
  const result = setup.mirror();
  return result.ok ? result.warnings : result.problems;
};
const errors = (setup: { mirror(): ReturnType<LlmdEpp["mirror"]> }): readonly Problem[] =>
  problems(setup).filter(({ severity }) => severity === "error");
const after = (change: (setup: LlmdEpp) => void): LlmdEpp => {
  const setup = new LlmdEpp();
  change(setup);
  return setup;
};

const EPP = "Deployment/serving/qwen3-14b-epp";
const ARGS = "spec.template.spec.containers[0].args";
const CONFIG = 'ConfigMap/serving/qwen3-14b-epp data["plugins.yaml"]';
const OVERRIDE = "override spec.overrides.gateway";
const G = "gateway.gate";

describe("the example's gateway", () => {
  it("is the pool's endpoint picker, without a word", () => {
    const { scenario } = good(new LlmdEpp());
    expect(problems(new LlmdEpp())).toEqual([]);
    expect(scenario.gateway).toMatchObject({
      kind: "epp",
      scrapeIntervalMicros: 50_000,
      stalenessMicros: 2e6,
      requestTimeoutMicros: 300e6,
      gate: {
        priorities: { scheme: "objectives", values: { batch: -1, critical: 10 } },
        saturationDetector: { type: "utilization-detector", queueDepthThreshold: 8 },
        flowControl: { priorityBands: [{ priority: -1, maxRequests: 200 }] },
      },
    });
    expect(scenario.workloads[0]?.podLabels).toMatchObject({ app: "qwen3-14b" });
  });

  it("names every object that it comes from", () => {
    const reads = good(new LlmdEpp()).reads.map(({ kind, name }) => `${kind}/${name}`);
    expect(reads).toEqual(
      expect.arrayContaining([
        "InferencePool/qwen3-14b",
        "Service/qwen3-14b-epp",
        "Deployment/qwen3-14b-epp",
        "InferenceObjective/critical",
        "InferenceObjective/batch",
        "HTTPRoute/qwen3-14b",
      ]),
    );
  });

  it.each([
    ["gateway.pool", "qwen3-14b", "InferencePool/serving/qwen3-14b spec.selector.matchLabels"],
    ["gateway.endpointPicker", "qwen3-14b-epp", "InferencePool/serving/qwen3-14b spec.endpointPickerRef.name"],
    [
      "gateway.profiles[default].scorers[prefix-cache-scorer].weight",
      3,
      `${CONFIG}.schedulingProfiles[0].plugins[0].weight`,
    ],
    [
      "gateway.profiles[default].scorers[no-hit-lru-scorer].weight",
      1,
      "default: llm-d endpoint picker: a scorer without weight counts 1",
    ],
    ["gateway.profiles[default].picker", "max-score-picker", `${CONFIG}.schedulingProfiles[0].plugins[4].pluginRef`],
    [
      "gateway.plugins[approx-prefix-cache-producer].maxPrefixTokensToMatch",
      32768,
      `${CONFIG}.plugins[4].parameters.maxPrefixTokensToMatch`,
    ],
    ["gateway.priorities[critical]", 10, "InferenceObjective/serving/critical spec.priority"],
    [`${G}.flowControl`, true, `${CONFIG}.featureGates[0]`],
    [`${G}.flowControl.defaultRequestTTLSeconds`, 30, `${CONFIG}.flowControl.defaultRequestTTL`],
    [`${G}.saturationDetector.queueDepthThreshold`, 8, `${CONFIG}.plugins[6].parameters.queueDepthThreshold`],
    ["gateway.stalenessSeconds", 2, `${EPP} ${ARGS}[6]`],
    ["gateway.requestTimeoutSeconds", 300, "HTTPRoute/serving/qwen3-14b spec.rules[0].timeouts.request"],
  ])("tells %s", (path, value, from) => expect(told(good(new LlmdEpp()), path)).toEqual([value, from]));
});

interface Change {
  readonly name: string;
  readonly change: (setup: LlmdEpp) => void;
  readonly path: string;
  readonly value: unknown;
  readonly from: string;
  /** It changes nothing that is simulated. */
  readonly idle?: true;
}

const CHANGES: readonly Change[] = [
  {
    name: "a weight",
    change: (s) => s.configure((c) => (c.schedulingProfiles[0].plugins[1].weight = 0.5)),
    path: "gateway.profiles[default].scorers[queue-scorer].weight",
    value: 0.5,
    from: `${CONFIG}.schedulingProfiles[0].plugins[1].weight`,
  },
  {
    name: "a limit as a quantity",
    change: (s) => s.configure((c) => (c.flowControl.maxRequests = "2k")),
    path: `${G}.flowControl.maxRequests`,
    value: 2000,
    from: `${CONFIG}.flowControl.maxRequests`,
  },
  {
    name: "the refresh interval",
    change: (s) => s.flags.push("--refresh-metrics-interval=200ms"),
    path: "gateway.scrapeIntervalSeconds",
    value: 0.2,
    from: `${EPP} ${ARGS}[8]`,
  },
  {
    name: "a flag with one dash and its value apart",
    change: (s) => s.flags.push("-refresh-metrics-interval", "100ms"),
    path: "gateway.scrapeIntervalSeconds",
    value: 0.1,
    from: `${EPP} ${ARGS}[9]`,
  },
  {
    name: "a refresh interval below the least",
    change: (s) => s.flags.push("--refresh-metrics-interval=10ms"),
    path: "gateway.scrapeIntervalSeconds",
    value: 0.05,
    from: `${EPP} ${ARGS}[8]`,
    idle: true,
  },
  {
    name: "an objective's priority",
    change: (s) => (s.the("InferenceObjective", "batch").spec.priority = -7),
    path: "gateway.priorities[batch]",
    value: -7,
    from: "InferenceObjective/serving/batch spec.priority",
  },
  {
    name: "an objective without priority",
    change: (s) => delete s.the("InferenceObjective", "batch").spec.priority,
    path: "gateway.priorities[batch]",
    value: 0,
    from: "default: llm-d: an objective without priority is 0",
  },
  {
    name: "an InferenceModel",
    change: (s) =>
      s.objects.push({
        apiVersion: "inference.networking.x-k8s.io/v1alpha2",
        kind: "InferenceModel",
        metadata: { name: "nightly", namespace: "serving" },
        spec: { modelName: "qwen-nightly", criticality: "Sheddable", poolRef: { name: "qwen3-14b" } },
      }),
    path: "gateway.priorities[qwen-nightly]",
    value: -1,
    from: "InferenceModel/serving/nightly spec.criticality",
  },
  {
    name: "the shorter of two time-outs",
    change: (s) => (s.the("HTTPRoute").spec.rules[0].timeouts.backendRequest = "90s"),
    path: "gateway.requestTimeoutSeconds",
    value: 90,
    from: "HTTPRoute/serving/qwen3-14b spec.rules[0].timeouts.backendRequest",
  },
  {
    name: "leader election",
    change: (s) => {
      s.picker.spec.replicas = 3;
      s.flags.push("--ha-enable-leader-election");
    },
    path: "gateway.pickerReplicas",
    value: 1,
    from: `${EPP} ${ARGS}[8]`,
    idle: true,
  },
  {
    name: "pickers side by side",
    change: (s) => (s.picker.spec.replicas = 3),
    path: "gateway.pickerReplicas",
    value: 3,
    from: `${EPP} spec.replicas`,
  },
  {
    name: "overridden pickers",
    change: (s) => s.override({ pickers: 2 }),
    path: "gateway.pickerReplicas",
    value: 2,
    from: `${OVERRIDE}.pickers`,
  },
  {
    name: "an overridden interval",
    change: (s) => s.override({ scrapeInterval: "1s" }),
    path: "gateway.scrapeIntervalSeconds",
    value: 1,
    from: `${OVERRIDE}.scrapeInterval`,
  },
  {
    name: "an overridden staleness",
    change: (s) => s.override({ metricsStaleness: "5s" }),
    path: "gateway.stalenessSeconds",
    value: 5,
    from: `${OVERRIDE}.metricsStaleness`,
  },
  {
    name: "an overridden time-out",
    change: (s) => s.override({ requestTimeout: "20s" }),
    path: "gateway.requestTimeoutSeconds",
    value: 20,
    from: `${OVERRIDE}.requestTimeout`,
  },
  {
    name: "an overridden priority",
    change: (s) => s.override({ priorities: { batch: 2 } }),
    path: "gateway.priorities[batch]",
    value: 2,
    from: `${OVERRIDE}.priorities.batch`,
  },
  {
    name: "a policy in place of the picker",
    change: (s) => s.override({ policy: { policy: "round-robin" } }),
    path: "gateway.policy",
    value: "round-robin",
    from: `${OVERRIDE}.policy`,
  },
  {
    name: "a configuration in place of the picker's",
    change: (s) =>
      s.override({ endpointPickerConfig: { plugins: [{ type: "queue-scorer" }, { type: "random-picker" }] } }),
    path: "gateway.profiles[default].picker",
    value: "random-picker",
    from: `${OVERRIDE}.endpointPickerConfig.plugins[1]`,
  },
  {
    name: "the same as text",
    change: (s) =>
      s.override({
        endpointPickerConfig:
          "plugins:\n- type: queue-scorer\nschedulingProfiles:\n- name: a\n  plugins: [{pluginRef: queue-scorer, weight: 4}]\n",
      }),
    path: "gateway.profiles[a].scorers[queue-scorer].weight",
    value: 4,
    from: `${OVERRIDE}.endpointPickerConfig.schedulingProfiles[0].plugins[0].weight`,
  },
  {
    name: "the Service of the pods, where it is asked for",
    change: (s) => {
      s.objects.push(service("qwen3-14b", { app: "qwen3-14b" }));
      s.simulation.spec.mirror.router = { kind: "Service" };
    },
    path: "gateway.policy",
    value: "random",
    from: "Service/serving/qwen3-14b spec.selector",
  },
  {
    name: "--config-text",
    change: (s) => {
      s.flags.splice(s.flags.indexOf("--config-file"), 2);
      s.flags.push("--config-text", "plugins: [{type: queue-scorer}, {type: weighted-random-picker}]");
    },
    path: "gateway.plugins[weighted-random-picker].maxNumOfEndpoints",
    value: 1,
    from: "default: llm-d-router (August 2026): weighted-random-picker",
  },
  {
    name: "no configuration at all",
    change: (s) => s.flags.splice(s.flags.indexOf("--config-file"), 2),
    path: "gateway.profiles[default].scorers[prefix-cache-scorer].weight",
    value: 3,
    from: "default: llm-d endpoint picker: its own configuration, where it is given none",
  },
];

const service = (name: string, selector: Json): Json => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "serving" },
  spec: { selector },
});

describe("a value follows the field that it is said to come from", () => {
  const before = scenarioDigest(good(new LlmdEpp()).scenario);
  it.each(CHANGES)("$name", ({ change, path, value, from, idle = false }) => {
    const changed = good(after(change));
    expect(told(changed, path)).toEqual([value, from]);
    expect(scenarioDigest(changed.scenario) === before).toBe(idle);
  });
});

describe("finding the router", () => {
  it("takes the older group's pool, its plain selector and its extensionRef", () => {
    const old = after((s) => {
      const pool = s.the("InferencePool");
      pool.apiVersion = "inference.networking.x-k8s.io/v1alpha2";
      pool.spec = { selector: { app: "qwen3-14b" }, targetPortNumber: 8000, extensionRef: { name: "qwen3-14b-epp" } };
    });
    expect(told(good(old), "gateway.endpointPicker")).toEqual([
      "qwen3-14b-epp",
      "InferencePool/serving/qwen3-14b spec.extensionRef.name",
    ]);
  });

  it("takes the newer of a pool that is there in both groups", () => {
    const both = after((s) => {
      const copy = structuredClone(s.the("InferencePool"));
      copy.apiVersion = "inference.networking.x-k8s.io/v1alpha2";
      copy.spec = { selector: { app: "qwen3-14b" }, targetPortNumber: 8000, extensionRef: { name: "other" } };
      s.objects.unshift(copy);
    });
    expect(told(good(both), "gateway.endpointPicker")?.[0]).toBe("qwen3-14b-epp");
  });

  it("finds the picker by its arguments where its Service isn't there", () => {
    expect(told(good(after((s) => s.remove("Service"))), "gateway.endpointPicker")?.[0]).toBe("qwen3-14b-epp");
  });

  it("without a pool it is a Service, or what a Service would do", () => {
    const bare = new Quickstart().mirror();
    expect(bare.ok && told(bare.value, "gateway.policy")).toEqual([
      "random",
      "default: no gateway is mirrored: a Service picks a ready pod at random",
    ]);
    const behind = after((s) => {
      s.remove("InferencePool");
      s.objects.push(service("qwen3-14b", { app: "qwen3-14b" }));
    });
    expect(told(good(behind), "gateway.policy")?.[1]).toBe("Service/serving/qwen3-14b spec.selector");
  });

  it("leaves pools of other pods alone", () => {
    const other = after((s) => {
      const copy = structuredClone(s.the("InferencePool"));
      copy.metadata.name = "other";
      copy.spec.selector.matchLabels = { app: "other" };
      s.objects.unshift(copy);
    });
    expect(told(good(other), "gateway.pool")?.[0]).toBe("qwen3-14b");
  });

  it("asks for the ConfigMap that the picker mounts, by key, and for none that doesn't count", () => {
    const wanted = (setup: LlmdEpp) => {
      const parsed = parseSimulation(setup.simulation, {});
      return parsed.ok ? pickerConfigWanted(parsed.value, setup.cluster) : "bad";
    };
    const file = { namespace: "serving", name: "qwen3-14b-epp", key: "plugins.yaml", object: EPP, field: `${ARGS}[5]` };
    expect(wanted(new LlmdEpp())).toEqual(file);
    const pod = (s: LlmdEpp) => s.picker.spec.template.spec;
    const items = [{ key: "a.yaml", path: "plugins.yaml" }];
    expect(wanted(after((s) => (pod(s).volumes[0].configMap.items = items)))).toEqual({ ...file, key: "a.yaml" });
    const mount = { name: "plugins", mountPath: "/config/plugins.yaml", subPath: "b.yaml" };
    expect(wanted(after((s) => (pod(s).containers[0].volumeMounts = [mount])))).toEqual({ ...file, key: "b.yaml" });
    const projected = { name: "plugins", projected: { sources: [{ configMap: { name: "c" } }] } };
    expect(wanted(after((s) => (pod(s).volumes = [projected])))).toEqual({ ...file, name: "c" });
    expect(wanted(after((s) => s.override({ policy: { policy: "random" } })))).toBeUndefined();
    expect(wanted(after((s) => s.override({ endpointPickerConfig: {} })))).toBeUndefined();
    expect(wanted(after((s) => s.remove("InferencePool")))).toBeUndefined();
  });
});

interface Wrong {
  readonly name: string;
  readonly change: (setup: LlmdEpp) => void;
  readonly reason: string;
  readonly at: string;
}

const IN_CONFIG = 'data["plugins.yaml"]';

const WRONG: readonly Wrong[] = [
  {
    name: "a pool that is named and isn't there",
    change: (s) => (s.simulation.spec.mirror.router = { name: "qwen3-14" }),
    reason: "RouterNotFound",
    at: "spec.mirror.router.name",
  },
  {
    name: "a pool where there is none",
    change: (s) => {
      s.remove("InferencePool");
      s.simulation.spec.mirror.router = { kind: "InferencePool" };
    },
    reason: "RouterNotFound",
    at: "spec.mirror.router",
  },
  {
    name: "two pools of the same pods",
    change: (s) => {
      const copy = structuredClone(s.the("InferencePool"));
      copy.metadata.name = "again";
      s.objects.push(copy);
    },
    reason: "TwoPools",
    at: "spec.mirror.router",
  },
  {
    name: "a named pool of other pods",
    change: (s) => {
      s.the("InferencePool").spec.selector.matchLabels = { app: "other" };
      s.simulation.spec.mirror.router = { name: "qwen3-14b" };
    },
    reason: "NotSelected",
    at: "spec.selector.matchLabels",
  },
  {
    name: "a named Service of other pods",
    change: (s) => (s.simulation.spec.mirror.router = { kind: "Service", name: "qwen3-14b-epp" }),
    reason: "NotSelected",
    at: "spec.selector",
  },
  {
    name: "a pool without a picker",
    change: (s) => delete s.the("InferencePool").spec.endpointPickerRef,
    reason: "BadPool",
    at: "spec.endpointPickerRef.name",
  },
  {
    name: "a picker that isn't there",
    change: (s) => s.remove("Deployment", "qwen3-14b-epp"),
    reason: "EndpointPickerNotFound",
    at: "spec.endpointPickerRef.name",
  },
  {
    name: "a configuration that is mounted from nowhere",
    change: (s) => (s.picker.spec.template.spec.volumes = [{ name: "plugins", emptyDir: {} }]),
    reason: "PickerConfigNotFound",
    at: `${ARGS}[5]`,
  },
  {
    name: "two configurations",
    change: (s) => s.flags.push("--config-text=plugins: []"),
    reason: "BadFlag",
    at: `${ARGS}[8]`,
  },
  {
    name: "a duration that is none",
    change: (s) => s.flags.push("--refresh-metrics-interval=fast"),
    reason: "BadFlag",
    at: `${ARGS}[8]`,
  },
  {
    name: "a time-out that is none",
    change: (s) => (s.the("HTTPRoute").spec.rules[0].timeouts.request = "soon"),
    reason: "BadDuration",
    at: "spec.rules[0].timeouts.request",
  },
  {
    name: "a priority that is none",
    change: (s) => (s.the("InferenceObjective", "batch").spec.priority = "low"),
    reason: "Malformed",
    at: "spec.priority",
  },
  {
    name: "a configuration that is no YAML",
    change: (s) => (s.the("ConfigMap").data["plugins.yaml"] = "plugins: ["),
    reason: "BadPickerConfig",
    at: IN_CONFIG,
  },
  {
    name: "a slip in a plugin's type",
    change: (s) => s.configure((c) => (c.plugins[0].type = "queue-scoer")),
    reason: "UnknownPluginType",
    at: `${IN_CONFIG}.plugins[0].type`,
  },
  {
    name: "a slip in a parameter",
    change: (s) => s.configure((c) => (c.plugins[4].parameters = { maxPrefixTokens: 5 })),
    reason: "UnknownField",
    at: `${IN_CONFIG}.plugins[4].parameters.maxPrefixTokens`,
  },
  {
    name: "a parameter of the wrong type",
    change: (s) => s.configure((c) => (c.plugins[6].parameters = { queueDepthThreshold: "8" })),
    reason: "WrongType",
    at: `${IN_CONFIG}.plugins[6].parameters.queueDepthThreshold`,
  },
  {
    name: "a parameter out of bounds",
    change: (s) => s.configure((c) => (c.plugins[6].parameters = { kvCacheUtilThreshold: 1.5 })),
    reason: "OutOfBounds",
    at: `${IN_CONFIG}.plugins[6].parameters.kvCacheUtilThreshold`,
  },
  {
    name: "a handler whose profile isn't there",
    change: (s) => s.configure((c) => c.plugins.push({ type: "disagg-profile-handler" })),
    reason: "UnknownProfile",
    at: `${IN_CONFIG}.plugins[8].parameters.profiles.decode`,
  },
  {
    name: "a decider that isn't there",
    change: (s) =>
      s.configure((c) => {
        const parameters = { profiles: { decode: "default" }, deciders: { prefill: "always" } };
        c.plugins.push({ type: "disagg-profile-handler", parameters });
      }),
    reason: "UnknownPlugin",
    at: `${IN_CONFIG}.plugins[8].parameters.deciders.prefill`,
  },
  {
    name: "a slip in an inline configuration",
    change: (s) => s.override({ endpointPickerConfig: { plugin: [] } }),
    reason: "UnknownField",
    at: "spec.overrides.gateway.endpointPickerConfig.plugin",
  },
];

describe("what can't be mirrored is one error at its field", () => {
  it.each(WRONG)("$name", ({ change, reason, at }) => {
    const found = errors(after(change));
    expect(found.map((one) => [one.reason, one.field, one.message])).toEqual([[reason, at, expect.any(String)]]);
  });

  it("a policy override needs no picker", () => {
    const setup = after((s) => {
      s.remove("Deployment", "qwen3-14b-epp");
      s.override({ policy: { policy: "random" } });
    });
    expect(good(setup).scenario.gateway.kind).toBe("policy");
  });

  it("an inline configuration needs neither pool nor picker", () => {
    const setup = after((s) => {
      s.remove("InferencePool");
      s.override({
        endpointPickerConfig: { plugins: [{ type: "queue-scorer" }] },
        priorities: { batch: -1, critical: 1 },
      });
    });
    expect(good(setup).scenario.gateway).toMatchObject({
      kind: "epp",
      scrapeIntervalMicros: 50_000,
      stalenessMicros: 2e6,
    });
    expect(problems(setup)).toEqual([]);
  });

  it("both ways to pick are refused", () => {
    const both = { policy: { policy: "random" }, endpointPickerConfig: { plugins: [] } };
    const parsed = parseSimulation(after((s) => s.override(both)).simulation, {});
    expect(parsed.ok ? [] : parsed.problems).toMatchObject([{ field: "spec.overrides.gateway.endpointPickerConfig" }]);
  });

  it.each([[5], [[]], [true]])("%j is no configuration", (said) => {
    const parsed = parseSimulation(after((s) => s.override({ endpointPickerConfig: said })).simulation, {});
    expect(parsed.ok ? [] : parsed.problems).toMatchObject([{ field: "spec.overrides.gateway.endpointPickerConfig" }]);
  });
});

describe("what is assumed is told", () => {
  it.each<[string, (setup: LlmdEpp) => void, string, RegExp]>([
    [
      "a scorer that is not modelled",
      (s) =>
        s.configure((c) => {
          c.plugins.push({ type: "mm-embeddings-cache-scorer" });
          c.schedulingProfiles[0].plugins.push({ pluginRef: "mm-embeddings-cache-scorer", weight: 4 });
        }),
      `${IN_CONFIG}.plugins[8]`,
      /^mm-embeddings-cache-scorer is not modelled: ./,
    ],
    [
      "no picker at work",
      (s) => (s.picker.spec.replicas = 0),
      "spec.replicas",
      /0 replicas are at work; 1 is simulated/,
    ],
    ["too many pickers at work", (s) => (s.picker.spec.replicas = 40), "spec.replicas", /40 .* 32 are simulated/],
    [
      "pods of the pool that aren't mirrored",
      (s) => {
        const copy = structuredClone(s.workload);
        copy.metadata.name = "vllm-qwen3-14b-l40s";
        s.objects.push(copy);
      },
      "spec.selector.matchLabels",
      /vllm-qwen3-14b-l40s, which is not mirrored/,
    ],
    [
      "a canary",
      (s) => s.the("HTTPRoute").spec.rules[0].backendRefs.push({ kind: "InferencePool", name: "next", weight: 3 }),
      "spec.rules[0]",
      /sends 1 of 4 requests/,
    ],
    [
      "copies of others' requests",
      (s) =>
        (s.the("HTTPRoute").spec.rules[0].filters = [
          { type: "RequestMirror", requestMirror: { backendRef: { kind: "InferencePool", name: "next" } } },
          { type: "RequestMirror", requestMirror: { backendRef: { kind: "InferencePool", name: "qwen3-14b" } } },
        ]),
      "spec.rules[0].filters[1].requestMirror.backendRef.name",
      /a copy of what the rule matches .* not simulated/,
    ],
    [
      "ranks that are picked one by one",
      (s) => s.the("InferencePool").spec.targetPorts.push({ number: 8001 }),
      "spec.targetPorts",
      /2 ports are ranks/,
    ],
    [
      "a class that no objective knows",
      (s) => s.remove("InferenceObjective", "batch"),
      "spec.workload.synthetic.clients[1].sloClass",
      /requests of batch have priority 0/,
    ],
  ])("%s", (_name, change, field, message) => {
    expect(problems(after(change))).toMatchObject([
      { severity: "warning", field, message: expect.stringMatching(message) },
    ]);
  });
});

describe("requests that go on to other models", () => {
  const pool = { name: "qwen3-14b" };
  const model = (targetModels?: Json): Json => ({
    apiVersion: "inference.networking.x-k8s.io/v1alpha2",
    kind: "InferenceModel",
    metadata: { name: "food", namespace: "serving" },
    spec: { modelName: "food-review", poolRef: pool, ...(targetModels === undefined ? {} : { targetModels }) },
  });
  const rewrite = (rules: readonly Json[], poolRef: Json = pool): Json => ({
    apiVersion: "llm-d.ai/v1alpha2",
    kind: "InferenceModelRewrite",
    metadata: { name: "canary", namespace: "serving" },
    spec: { poolRef, rules },
  });
  const rule = (models: readonly string[], targets: readonly Json[]): Json => ({
    matches: models.map((value) => ({ model: { type: "Exact", value } })),
    targets,
  });
  const toldOf = (object: Json): readonly string[] =>
    problems(after(({ objects }) => objects.push(object)))
      .filter(({ reason }) => reason === "NotModelled")
      .map(describeProblem);
  const FIX =
    "give spec.workload requests as they are after it: clients with the model or adapter, and their share of the rate";

  it.each([
    [
      model([
        { name: "food-1", weight: 90 },
        { name: "food-2", weight: 10 },
      ]),
      "InferenceModel/serving/food: spec.targetModels: sends requests for food-review on to food-1 (90 of 100) and food-2 (10 of 100)",
    ],
    [
      rewrite([rule(["chat", "talk"], [{ modelRewrite: "chat-v2" }])]),
      "InferenceModelRewrite/serving/canary: spec.rules[0].targets: sends requests for chat and for talk on to chat-v2",
    ],
    [
      rewrite([rule(["a"], [{ modelRewrite: "a" }]), { targets: [{ modelRewrite: "b" }, { modelRewrite: "c" }] }]),
      "InferenceModelRewrite/serving/canary: spec.rules[1].targets: sends every request on to b (1 of 2) and c (1 of 2)",
    ],
  ])("are told", (object, message) => {
    expect(toldOf(object)).toEqual([`${message}, which is not simulated: each is served as it comes; ${FIX}`]);
  });

  it.each([
    ["without targets", model()],
    ["to itself", model([{ name: "food-review" }])],
    ["of another pool", rewrite([rule(["a"], [{ modelRewrite: "b" }])], { name: "other" })],
  ])("are no news %s", (_, object) => expect(toldOf(object)).toEqual([]));
});

describe("a pool's port that the server doesn't listen on", () => {
  const toldWith = (sidecar: Json, isInit = true): boolean =>
    problems(
      after((s) => {
        const pod = s.workload.spec.template.spec;
        const [server] = pod.containers;
        server.args = [...(server.args ?? []), "--port=8200"];
        for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) delete server[probe];
        if (isInit) pod.initContainers = [{ restartPolicy: "Always", ...sidecar }];
        else pod.containers.push(sidecar);
      }),
    ).some(({ message }) => message.startsWith("sends requests to port 8000"));

  it.each<[string, Json, boolean]>([
    ["nobody", { name: "log-shipper", image: "fluent-bit" }, true],
    ["a sidecar of another port", { name: "proxy", image: "envoy", args: ["--port=18000"] }, true],
    ["one whose port another declares", { name: "proxy", image: "envoy", ports: [{ containerPort: 9000 }] }, true],
    [
      "an init container that has ended",
      { name: "wait", image: "curl", args: ["http://a:8000"], restartPolicy: "OnFailure" },
      true,
    ],
    ["one that declares it", { name: "proxy", image: "envoy", ports: [{ containerPort: 8000 }] }, false],
    ["one that is told it", { name: "proxy", image: "envoy", args: ["--listen=0.0.0.0:8000"] }, false],
    ["llm-d's, which listens there by itself", { name: "routing-proxy", image: "a/llm-d-routing-sidecar:v0.4" }, false],
    ["llm-d's, told another", { name: "routing-proxy", image: "a/b", args: ["--port", "8080"] }, true],
  ])("is told unless a sidecar may: %s", (_, sidecar, told) => {
    expect(toldWith(sidecar)).toBe(told);
    if (sidecar.restartPolicy === undefined) expect(toldWith(sidecar, false)).toBe(told);
  });
});

describe("a parameter that pickers took before", () => {
  it.each([
    [
      "prefix-cache-scorer",
      { hashBlockSize: 5 },
      /hashBlockSize: there is no such field.*; give it to .*approx-prefix-cache-producer/,
    ],
    [
      "pd-profile-handler",
      { threshold: 0 },
      /threshold: there is no such field.*; name a decider by deciderPluginName/,
    ],
  ])("is told where it has gone: of %s", (type, parameters, message) => {
    const setup = after((s) =>
      s.configure((c) => {
        const plugin = c.plugins.find((one: Json) => one.type === type);
        if (plugin === undefined) c.plugins.push({ type, parameters });
        else plugin.parameters = { ...plugin.parameters, ...parameters };
      }),
    );
    expect(errors(setup).map(describeProblem).join("\n")).toMatch(message);
  });
});
