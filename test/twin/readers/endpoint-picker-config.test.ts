import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { describeProblem, type Problem } from "../../../src/model/problem.ts";
import {
  DEFAULT_PICKER_CONFIG,
  type EndpointPickerConfigReading,
  readPickerConfig,
} from "../../../src/twin/readers/endpoint-picker/endpoint-picker-config.ts";
import { parsePickerConfig } from "../../../src/twin/readers/index.ts";

const PLACE = { object: "ConfigMap/serving/epp", path: 'data["plugins.yaml"]' };
const READ = `${PLACE.path}.`;

const reading = (raw: unknown, experimental = false) => readPickerConfig(raw, PLACE, { experimental });
const good = (raw: unknown): EndpointPickerConfigReading => {
  const result = reading(raw);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return result.value;
};
const problems = (raw: unknown): readonly Problem[] => {
  const result = reading(raw);
  return result.ok ? result.warnings : result.problems;
};
const errors = (raw: unknown): readonly Problem[] => problems(raw).filter(({ severity }) => severity === "error");

const shape = ({ profiles, handler, detector }: EndpointPickerConfigReading) => ({
  handler: handler.name,
  detector: detector.name,
  profiles: profiles.map((profile) => ({
    name: profile.name.value,
    filters: profile.filters.map(({ name }) => name),
    scorers: profile.scorers.map(({ plugin, weight }) => [plugin.name, weight.value]),
    picker: profile.picker.value.name,
  })),
});

const names = ({ plugins }: EndpointPickerConfigReading): readonly string[] => plugins.map(({ name }) => name);

/** A disaggregated pool with a queue, as llm-d's guides have them. */
const SAMPLE = load(`
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
featureGates: [flowControl]
plugins:
  - {type: prefill-filter}
  - {type: decode-filter}
  - {type: queue-scorer}
  - {type: kv-cache-utilization-scorer}
  - {type: prefix-cache-scorer}
  - {type: approx-prefix-cache-producer, parameters: {maxPrefixTokensToMatch: 32768}}
  - {type: prefix-based-pd-decider, parameters: {nonCachedTokens: 256}}
  - {type: disagg-profile-handler, parameters: {deciders: {prefill: prefix-based-pd-decider}}}
  - {type: concurrency-detector, parameters: {maxConcurrency: 96, headroom: 0.2}}
  - {type: round-robin-fairness-policy}
  - {type: max-score-picker}
schedulingProfiles:
  - name: prefill
    plugins: [{pluginRef: prefill-filter}, {pluginRef: prefix-cache-scorer, weight: 2}, {pluginRef: queue-scorer, weight: 1}, {pluginRef: max-score-picker}]
  - name: decode
    plugins: [{pluginRef: decode-filter}, {pluginRef: prefix-cache-scorer, weight: 2}, {pluginRef: kv-cache-utilization-scorer, weight: 1}, {pluginRef: max-score-picker}]
flowControl:
  defaultRequestTTL: 30s
  noEndpointRequestTTL: 10m
  saturationDetector: {pluginRef: concurrency-detector}
  defaultPriorityBand: {maxRequests: 2k, fairnessPolicyRef: round-robin-fairness-policy}
  priorityBands: [{priority: -1, maxRequests: 200}]
`) as Record<string, unknown>;

describe("a configuration", () => {
  it("is read with its profiles, handler and detector", () => {
    expect(shape(good(SAMPLE))).toEqual({
      handler: "disagg-profile-handler",
      detector: "concurrency-detector",
      profiles: [
        {
          name: "prefill",
          filters: ["prefill-filter"],
          scorers: [
            ["prefix-cache-scorer", 2],
            ["queue-scorer", 1],
          ],
          picker: "max-score-picker",
        },
        {
          name: "decode",
          filters: ["decode-filter"],
          scorers: [
            ["prefix-cache-scorer", 2],
            ["kv-cache-utilization-scorer", 1],
          ],
          picker: "max-score-picker",
        },
      ],
    });
    expect(problems(SAMPLE)).toEqual([]);
  });

  it("is read with its queue", () => {
    const { flowControl } = good(SAMPLE);
    expect(flowControl).toMatchObject({
      maxRequests: undefined,
      ttlSeconds: { value: 30, from: { field: `${READ}flowControl.defaultRequestTTL` } },
      noEndpointTtlSeconds: { value: 600 },
      defaultBand: {
        maxRequests: { value: 2000, from: { field: `${READ}flowControl.defaultPriorityBand.maxRequests` } },
        maxBytes: { value: 1e9, from: { kind: "default" } },
        fairness: { type: "round-robin-fairness-policy" },
        ordering: { type: "fcfs-ordering-policy" },
      },
      defaultNegativeBand: undefined,
      bands: [
        {
          priority: { value: -1 },
          maxRequests: { value: 200 },
          fairness: { type: "global-strict-fairness-policy" },
        },
      ],
      usageLimit: { type: "static-usage-limit-policy" },
      eviction: { value: false },
    });
  });

  it("may be written in the older group, which is told", () => {
    const legacy = { ...SAMPLE, apiVersion: "inference.networking.x-k8s.io/v1alpha1" };
    expect(shape(good(legacy))).toEqual(shape(good(SAMPLE)));
    expect(problems(legacy)).toMatchObject([{ severity: "warning", reason: "Deprecated", field: `${READ}apiVersion` }]);
  });

  it("of v1 says the same, but for what replicas share", () => {
    const v1 = { ...SAMPLE, apiVersion: "llm-d.ai/v1" };
    expect(problems(v1)).toEqual([]);
    expect(shape(good(v1))).toEqual(shape(good(SAMPLE)));
    const shared = { dataLayer: { crossReplica: { syncerPluginRef: "syncer" } } };
    expect(problems({ ...v1, ...shared })).toMatchObject([{ severity: "warning", reason: "NotModelled" }]);
    expect(errors({ ...SAMPLE, ...shared })).toMatchObject([{ field: `${READ}dataLayer.crossReplica` }]);
  });

  it("without apiVersion and kind is one all the same", () => {
    const { apiVersion: _, kind: __, ...bare } = SAMPLE;
    expect(shape(good(bare))).toEqual(shape(good(SAMPLE)));
  });

  it("may keep its detector and its parser where they were before", () => {
    const { flowControl: _, ...rest } = SAMPLE;
    const older = {
      ...rest,
      saturationDetector: { pluginRef: "concurrency-detector" },
      parser: { pluginRef: "openai-parser" },
    };
    expect(good(older).detector.name).toBe("concurrency-detector");
    expect(problems(older).map(({ severity, field }) => [severity, field])).toEqual([
      ["warning", `${READ}saturationDetector`],
      ["warning", `${READ}parser`],
    ]);
  });

  it("takes the newer detector where both are said", () => {
    const both = { ...SAMPLE, saturationDetector: { pluginRef: "utilization-detector" } };
    expect(good(both).detector.name).toBe("concurrency-detector");
  });
});

describe("what the endpoint picker adds", () => {
  it("without a configuration: queue 2, KV cache 2, prefix 3, and the best score", () => {
    const found = good(undefined);
    expect(shape(found)).toEqual({
      handler: "single-profile-handler",
      detector: "utilization-detector",
      profiles: [
        {
          name: "default",
          filters: [],
          scorers: [
            ["queue-scorer", 2],
            ["kv-cache-utilization-scorer", 2],
            ["prefix-cache-scorer", 3],
          ],
          picker: "max-score-picker",
        },
      ],
    });
    expect(found.flowControl).toBeUndefined();
    expect(names(found)).toContain("approx-prefix-cache-producer");
  });

  it("to an empty one: no scorers, so any endpoint is as good", () => {
    const empty = { apiVersion: "llm-d.ai/v1alpha1", kind: "EndpointPickerConfig" };
    expect(shape(good(empty)).profiles).toEqual([
      { name: "default", filters: [], scorers: [], picker: "max-score-picker" },
    ]);
  });

  it("without profiles: one of all filters, scorers and pickers, each of weight 1, a detector's filter among them", () => {
    const plugins = ["queue-scorer", "random-picker", "decode-filter", "concurrency-detector", "openai-parser"];
    expect(shape(good({ plugins: plugins.map((type) => ({ type })) })).profiles).toEqual([
      {
        name: "default",
        filters: ["decode-filter", "concurrency-detector"],
        scorers: [["queue-scorer", 1]],
        picker: "random-picker",
      },
    ]);
  });

  it("the one picker that is configured, to a profile without", () => {
    const plugins = [{ type: "queue-scorer" }, { name: "dice", type: "weighted-random-picker" }];
    const found = good({ plugins, schedulingProfiles: [{ name: "a", plugins: [{ pluginRef: "queue-scorer" }] }] });
    expect(found.profiles[0]?.picker).toMatchObject({ value: { name: "dice" }, from: { kind: "default" } });
  });

  it.each([
    ["prefix-cache-scorer", {}, ["approx-prefix-cache-producer"]],
    ["active-request-scorer", {}, ["inflight-load-producer"]],
    ["prefix-cache-affinity-filter", {}, ["approx-prefix-cache-producer", "inflight-load-producer"]],
    ["prefix-cache-affinity-filter", { maxTTFTPenaltyMs: 0 }, ["approx-prefix-cache-producer"]],
    // The predictor reads both in turn.
    [
      "slo-headroom-tier-filter",
      {},
      ["predicted-latency-producer", "approx-prefix-cache-producer", "inflight-load-producer"],
    ],
    ["queue-scorer", {}, []],
  ])("the producers that %s %j reads", (type, parameters, wanted) => {
    const found = good({ plugins: [{ type, parameters }] });
    expect(names(found).filter((name) => name.endsWith("-producer"))).toEqual(wanted);
  });

  it("the approximate producer even beside a precise one, unless the scorer names that", () => {
    const precise = { name: "index", type: "precise-prefix-cache-producer" };
    const scorer = { type: "prefix-cache-scorer" };
    const by = { ...scorer, parameters: { prefixMatchInfoProducerName: "index" } };
    expect(names(good({ plugins: [precise, scorer] }))).toContain("approx-prefix-cache-producer");
    expect(names(good({ plugins: [precise, by] }))).not.toContain("approx-prefix-cache-producer");
  });

  it("the budget without endpoints follows the other, and is 60 s without either", () => {
    const flow = (section: object) => good({ featureGates: ["flowControl"], flowControl: section }).flowControl;
    expect(flow({})).toMatchObject({ ttlSeconds: { value: 60 }, noEndpointTtlSeconds: { value: 60 } });
    expect(flow({ defaultRequestTTL: "0s" })).toMatchObject({
      ttlSeconds: { value: 0 },
      noEndpointTtlSeconds: { value: 0 },
    });
  });

  it("a limit of 0 is as if it were not there", () => {
    const section = { maxRequests: "0", defaultPriorityBand: { maxRequests: 0, maxBytes: "1Gi" } };
    const { flowControl } = good({ featureGates: ["flowControl=true"], flowControl: section });
    expect(flowControl?.maxRequests).toBeUndefined();
    expect(flowControl?.defaultBand).toMatchObject({ maxRequests: { value: 5000 }, maxBytes: { value: 2 ** 30 } });
  });
});

const two = [{ type: "queue-scorer" }, { type: "kv-cache-utilization-scorer" }];
const profile = (...plugins: object[]) => [{ name: "default", plugins }];
const flow = (section: object) => ({ featureGates: ["flowControl"], flowControl: section });

/** What keeps a picker from starting, or would make it pick by accident: one error each, at its field. */
const BAD: readonly (readonly [string, unknown, string, RegExp, RegExp?])[] = [
  ["a list", [], "", /must be an object/],
  ["another version", { apiVersion: "llm-d.ai/v2" }, "apiVersion", /must be llm-d.ai\/v1, /],
  ["another kind", { kind: "Deployment" }, "kind", /must be EndpointPickerConfig/],
  ["an unknown field", { plugin: [] }, "plugin", /no field "plugin"/, /`plugins`/],
  ["an unknown gate", { featureGates: ["flowcontrol"] }, "featureGates[0]", /no feature gate/, /`flowControl`/],
  ["a gate that is maybe", { featureGates: ["flowControl=maybe"] }, "featureGates[0]", /must be true or false/],
  ["plugins that are none", { plugins: "queue-scorer" }, "plugins", /must be a list/],
  ["a plugin without type", { plugins: [{ name: "a" }] }, "plugins[0].type", /is required/],
  ["an unknown type", { plugins: [{ type: "queue-scoer" }] }, "plugins[0].type", /no plugin type/, /`queue-scorer`/],
  [
    "an unknown field of a plugin",
    { plugins: [{ ...two[0], paramters: {} }] },
    "plugins[0].paramters",
    /no field/,
    /`parameters`/,
  ],
  [
    "parameters that are no map",
    { plugins: [{ ...two[0], parameters: 3 }] },
    "plugins[0].parameters",
    /must be an object/,
  ],
  ["two plugins of a name", { plugins: [two[0], two[0]] }, "plugins[1].name", /two plugins named queue-scorer/],
  [
    "an alpha plugin",
    { plugins: [{ type: "session-affinity-scorer" }] },
    "plugins[0].type",
    /--allow-experimental-plugins/,
  ],
  ["a profile without a name", { schedulingProfiles: [{ plugins: [] }] }, "schedulingProfiles[0].name", /is required/],
  [
    "two profiles of a name",
    { plugins: [{ type: "disagg-profile-handler" }], schedulingProfiles: [{ name: "decode" }, { name: "decode" }] },
    "schedulingProfiles[1].name",
    /two profiles named decode/,
  ],
  [
    "a reference to nothing",
    { plugins: two, schedulingProfiles: profile({ pluginRef: "queue-scorr" }) },
    "schedulingProfiles[0].plugins[0].pluginRef",
    /no plugin "queue-scorr"/,
    /`queue-scorer`/,
  ],
  [
    "a weight below 0",
    { plugins: two, schedulingProfiles: profile({ pluginRef: "queue-scorer", weight: -1 }) },
    "schedulingProfiles[0].plugins[0].weight",
    /at least 0/,
  ],
  [
    "a weight in words",
    { plugins: two, schedulingProfiles: profile({ pluginRef: "queue-scorer", weight: "two" }) },
    "schedulingProfiles[0].plugins[0].weight",
    /must be a number/,
  ],
  [
    "weights that are all 0",
    { plugins: two, schedulingProfiles: profile(...two.map(({ type }) => ({ pluginRef: type, weight: 0 }))) },
    "schedulingProfiles[0].plugins",
    /weight 0/,
  ],
  [
    "a scorer twice",
    { plugins: two, schedulingProfiles: profile({ pluginRef: "queue-scorer" }, { pluginRef: "queue-scorer" }) },
    "schedulingProfiles[0].plugins[1].pluginRef",
    /stands twice/,
  ],
  [
    "two pickers in a profile",
    {
      plugins: [{ type: "random-picker" }, { type: "max-score-picker" }],
      schedulingProfiles: profile({ pluginRef: "random-picker" }, { pluginRef: "max-score-picker" }),
    },
    "schedulingProfiles[0].plugins[1].pluginRef",
    /two pickers/,
  ],
  [
    "a profile that leaves its picker to chance",
    {
      plugins: [...two, { type: "random-picker" }, { type: "max-score-picker" }],
      schedulingProfiles: profile({ pluginRef: "queue-scorer" }),
    },
    "schedulingProfiles[0].plugins",
    /names none of the pickers random-picker, max-score-picker/,
  ],
  [
    "two handlers",
    { plugins: [{ type: "single-profile-handler" }, { type: "disagg-profile-handler" }] },
    "plugins[1]",
    /only one is allowed/,
  ],
  [
    "two profiles and no handler",
    { schedulingProfiles: [{ name: "a" }, { name: "b" }] },
    "schedulingProfiles",
    /need a profile handler/,
  ],
  [
    "two profiles for one",
    { plugins: [{ type: "single-profile-handler" }], schedulingProfiles: [{ name: "a" }, { name: "b" }] },
    "schedulingProfiles",
    /runs one profile/,
  ],
  [
    "a detector that is none",
    { plugins: two, flowControl: { saturationDetector: { pluginRef: "queue-scorer" } } },
    "flowControl.saturationDetector.pluginRef",
    /no detector/,
  ],
  [
    "a detector that is nowhere",
    { flowControl: { saturationDetector: { pluginRef: "concurrency-detector" } } },
    "flowControl.saturationDetector.pluginRef",
    /no plugin "concurrency-detector"/,
  ],
  ["a queue below 0", flow({ maxRequests: -1 }), "flowControl.maxRequests", /at least 0/],
  ["a queue in words", flow({ maxBytes: "lots" }), "flowControl.maxBytes", /no quantity/],
  ["a time below 0", flow({ defaultRequestTTL: "-1s" }), "flowControl.defaultRequestTTL", /duration of at least 0/],
  [
    "a time without unit",
    flow({ noEndpointRequestTTL: "10" }),
    "flowControl.noEndpointRequestTTL",
    /duration of at least 0/,
  ],
  ["a time as a number", flow({ defaultRequestTTL: 30 }), "flowControl.defaultRequestTTL", /must be text/],
  [
    "a priority that is no number",
    flow({ priorityBands: [{ priority: "high" }] }),
    "flowControl.priorityBands[0].priority",
    /whole number/,
  ],
  [
    "two bands of a priority",
    flow({ priorityBands: [{ priority: 1 }, { priority: 1 }] }),
    "flowControl.priorityBands[1].priority",
    /two bands/,
  ],
  [
    "a policy that is nowhere",
    flow({ defaultPriorityBand: { fairnessPolicyRef: "round-robin-fairness-policy" } }),
    "flowControl.defaultPriorityBand.fairnessPolicyRef",
    /no plugin/,
  ],
  [
    "a policy of another kind",
    flow({ defaultPriorityBand: { fairnessPolicyRef: "fcfs-ordering-policy" } }),
    "flowControl.defaultPriorityBand.fairnessPolicyRef",
    /no fairness/,
  ],
  [
    "a slip in a band",
    flow({ priorityBands: [{ priorty: 1 }] }),
    "flowControl.priorityBands[0].priorty",
    /no field/,
    /`priority`/,
  ],
  [
    "a producer that is nowhere",
    { plugins: [{ type: "prefix-cache-scorer", parameters: { prefixMatchInfoProducerName: "index" } }] },
    "plugins[0].parameters.prefixMatchInfoProducerName",
    /no producer of prefix matches "index"/,
  ],
  [
    "a parser that is nowhere",
    { requestHandler: { parsers: [{ pluginRef: "xml" }] } },
    "requestHandler.parsers[0].pluginRef",
    /no plugin "xml"/,
  ],
  [
    "a source that is nowhere",
    { dataLayer: { sources: [{ pluginRef: "a" }] } },
    "dataLayer.sources[0].pluginRef",
    /no plugin "a"/,
  ],
];

describe("what the endpoint picker would not start with", () => {
  const all = BAD.map(([name, raw, field, message, fix]) => ({ name, raw, field, message, fix }));
  it.each(all)("$name", ({ raw, field, message, fix }) => {
    const found = errors(raw);
    expect(found.map(describeProblem)).toHaveLength(1);
    expect(found[0]).toMatchObject({ object: PLACE.object, field: field === "" ? PLACE.path : `${READ}${field}` });
    expect(found[0]?.message).toMatch(message);
    expect(found[0]?.fix ?? "").toMatch(fix ?? /^/);
  });

  it("starts with alpha plugins where they are allowed", () => {
    expect(reading({ plugins: [{ type: "session-affinity-scorer" }] }, true).ok).toBe(true);
  });

  it.each([
    ["a queue without its gate", { flowControl: { maxRequests: 5 } }, "flowControl", "NoEffect"],
    [
      "a producer in a profile",
      { plugins: [...two, { type: "token-producer" }], schedulingProfiles: profile({ pluginRef: "token-producer" }) },
      "schedulingProfiles[0].plugins[0].pluginRef",
      "NoEffect",
    ],
    ["an old name", { plugins: [{ type: "tokenizer" }] }, "plugins[0].type", "Deprecated"],
    ["no metrics at all", { dataLayer: { injectDefaults: false } }, "dataLayer.injectDefaults", "NotModelled"],
    [
      "endpoints from a file",
      { plugins: [{ type: "file-discovery" }], dataLayer: { discovery: { pluginRef: "file-discovery" } } },
      "dataLayer.discovery",
      "NotModelled",
    ],
  ])("%s is only told", (_name, raw, field, reason) => {
    expect(problems(raw)).toMatchObject([{ severity: "warning", reason, field: `${READ}${field}` }]);
  });
});

describe("the text", () => {
  it("is read as Kubernetes reads YAML", () => {
    expect(parsePickerConfig("plugins:\n- type: queue-scorer\n", PLACE)).toMatchObject({
      ok: true,
      value: { plugins: [{ type: "queue-scorer" }] },
    });
  });

  it("may be JSON", () => {
    expect(parsePickerConfig(JSON.stringify(DEFAULT_PICKER_CONFIG), PLACE)).toMatchObject({
      value: DEFAULT_PICKER_CONFIG,
    });
  });

  it("may be empty, which is no configuration at all", () => {
    expect(parsePickerConfig(" \n", PLACE)).toMatchObject({ ok: true, value: undefined });
  });

  it.each([
    ["broken", "plugins: [\n", /no YAML that can be read in line \d/],
    ["a key twice", "plugins: []\nplugins: []\n", /no YAML/],
    ["a bomb of aliases", bomb(), /more than \d+ values/],
  ])("%s is refused where it stands", (_name, text, message) => {
    const result = parsePickerConfig(text, PLACE);
    expect(result.ok ? [] : result.problems).toMatchObject([
      { object: PLACE.object, field: PLACE.path, message: expect.stringMatching(message) },
    ]);
  });
});

/** Eight levels of nine aliases each. */
function bomb(): string {
  const levels = Array.from({ length: 8 }, (_, i) => {
    const items = i === 0 ? "x" : Array.from({ length: 9 }, () => `*a${i - 1}`).join(", ");
    return `a${i}: &a${i} [${items}]`;
  });
  return levels.join("\n");
}
