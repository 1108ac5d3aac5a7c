import { objectText } from "../model/object-text.ts";
import { API_VERSION, KIND } from "../schema/resource.ts";
import { type Discovery, namesOf } from "../twin/discovery.ts";
import type { RoleLabels } from "../twin/role-groups.ts";
import type { Scenario } from "../twin/scenario.ts";

/** What a simulation that was just found is known to be, once it has been mirrored. */
export type Facts = Pick<Scenario, "workloads" | "autoscalers" | "gateway">;

/**
 * An InferenceSimulation with comments, as text: what it mirrors is read, its traffic is assumed.
 *
 * @param facts left out: nothing is known yet, as before it was mirrored
 */
export const starterManifest = (found: Discovery, facts?: Facts): string => {
  const longest = Math.min(...(facts?.workloads ?? []).map(({ engine }) => engine.maxModelLen), 8192);
  const prompt = Math.max(1, Math.floor(longest / 4));
  const output = Math.max(1, Math.floor(longest / 16));
  const replicas = (facts?.workloads ?? []).reduce((sum, one) => sum + one.replicas, 0);
  return [
    `# Written by \`servetwin init\`, from ${comment(namesOf(found.workloads))}.`,
    ...(facts === undefined ? [] : about(found, facts)),
    `apiVersion: ${API_VERSION}`,
    `kind: ${KIND}`,
    "metadata:",
    `  name: ${scalar(found.name)}`,
    `  namespace: ${scalar(found.namespace)}`,
    "spec:",
    "  mirror:",
    "    # Read and never written; what scales them and what routes to them is found by itself.",
    "    workloads:",
    ...found.workloads.map(({ kind, name }) => `      - { kind: ${kind}, name: ${scalar(name)} }`),
    ...(found.pool === undefined ? [] : [`    router: { kind: InferencePool, name: ${scalar(found.pool.name)} }`]),
    ...(found.roles === undefined ? [] : splitBy(found.roles)),
    "  workload:",
    "    # ASSUMED: no manifest says what traffic there is. Put your own here: requests per second, and lengths in tokens;",
    "    # or have production's own from Prometheus, or from a recorded trace (docs/workloads.md).",
    "    synthetic:",
    "      clients:",
    "        - name: assumed",
    `          rate: ${Math.max(1, replicas)}`,
    `          prompt: { distribution: lognormal, mean: ${prompt}, deviation: ${prompt}, max: ${Math.max(prompt, Math.floor(longest / 2))} }`,
    `          output: { distribution: lognormal, mean: ${output}, deviation: ${output}, max: ${Math.max(output, Math.floor(longest / 4))} }`,
    "  run:",
    "    horizon: 30m",
    "    # The first part is left out of the report.",
    "    warmUp: 2m",
    "",
  ].join("\n");
};

const about = (found: Discovery, { workloads, autoscalers, gateway }: Facts): readonly string[] => [
  ...workloads.map(({ kind, name, replicas, shape, gpusPerReplica, hardware }) => {
    const pods = `${replicas} ${replicas === 1 ? "replica" : "replicas"}`;
    return `# ${kind} ${comment(name)}: ${pods} of ${comment(shape.id)} on ${gpusPerReplica} ${hardware.id} each.`;
  }),
  ...autoscalers.map(({ name, workload }) => `# ${comment(name)} scales ${comment(workload)}.`),
  ...(found.roles === undefined
    ? []
    : ["# Some compute prompts for the others, by their labels or kv_role; no InferencePool selects them."]),
  found.roles !== undefined
    ? "# Who sends which request where isn't said by any manifest: an endpoint picker is assumed below."
    : gateway.kind === "epp"
      ? `# The endpoint picker of InferencePool ${comment(gateway.pool)} routes.`
      : `# Requests are routed at ${gateway.policy.policy}: no InferencePool selects the pods.`,
  ...(found.pool === undefined
    ? []
    : [`# Found through ${comment(objectText(found.pool))}, which selects all of them.`]),
];

/** Prompts go to the pods of the one role, and the rest of the request to those of the other, each to who waits least. */
const splitBy = ({ label, prefill, decode }: RoleLabels): readonly string[] => {
  const filter = (name: string, values: readonly string[]): string => {
    const parameters = JSON.stringify({ matchExpressions: [{ key: label, operator: "In", values }] });
    return `          - { type: label-selector-filter, name: ${name}, parameters: ${parameters} }`;
  };
  const profile = (name: string): readonly string[] => [
    `          - name: ${name}`,
    `            plugins: [{ pluginRef: ${name}-pods }, { pluginRef: queue-scorer }, { pluginRef: max-score-picker }]`,
  ];
  return [
    "  overrides:",
    "    gateway:",
    "      # ASSUMED: every prompt is computed by a pod that prefills. Put your router's own rules here (docs/gateway.md).",
    "      endpointPickerConfig:",
    "        apiVersion: llm-d.ai/v1alpha1",
    "        kind: EndpointPickerConfig",
    "        plugins:",
    filter("prefill-pods", prefill),
    filter("decode-pods", decode),
    "          - { type: queue-scorer }",
    "          - { type: max-score-picker }",
    "          - { type: always-disagg-pd-decider }",
    "          - { type: disagg-profile-handler, parameters: { deciders: { prefill: always-disagg-pd-decider } } }",
    "        schedulingProfiles:",
    ...profile("prefill"),
    ...profile("decode"),
  ];
};

/** A comment ends with its line, whatever a name holds. */
const comment = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?");

/** A name as YAML: quoted where it would be read as something else than a text. */
const scalar = (name: string): string =>
  /^[a-z](?:[-a-z0-9.]*[a-z0-9])?$/.test(name) && !/^(?:null|true|false|yes|no|on|off|y|n)$/.test(name)
    ? name
    : JSON.stringify(name);
