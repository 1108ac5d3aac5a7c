import * as z from "zod";
import { admissions } from "../dataplane/admissions/index.ts";
import { admitters } from "../dataplane/admitters/index.ts";
import { deciders } from "../dataplane/deciders/index.ts";
import { detectors } from "../dataplane/detectors/index.ts";
import { filters } from "../dataplane/filters/index.ts";
import { fairnesses } from "../dataplane/flow-control/fairnesses/index.ts";
import { orderings } from "../dataplane/flow-control/orderings/index.ts";
import { usageLimits } from "../dataplane/flow-control/usage-limits/index.ts";
import { handlers } from "../dataplane/handlers/index.ts";
import { pickers } from "../dataplane/pickers/index.ts";
import { routingPolicies } from "../dataplane/policies/index.ts";
import { producers } from "../dataplane/producers/index.ts";
import { scorers } from "../dataplane/scorers/index.ts";
import { HARMLESS, UNMODELLED } from "./mirror/unmodelled-plugins.ts";
import { PLUGIN_TYPES } from "./readers/endpoint-picker/plugin-types.ts";
import {
  objectiveReaders,
  pickerReaders,
  poolReaders,
  rewriteReaders,
  routeReaders,
  serviceReaders,
  stackRouterReaders,
} from "./readers/index.ts";

interface Choice {
  readonly name: string;
  readonly summary: string;
  readonly params: z.ZodObject;
}

interface Section {
  readonly title: string;
  readonly says: string;
  readonly choices: readonly Choice[];
}

/** Every kind of choice of the gateway, in the order in which a request meets them. */
const SECTIONS: readonly Section[] = [
  {
    title: "Admissions",
    says: "Who may enter where flow control is off; an endpoint picker has `gaie-legacy`.",
    choices: admissions.all,
  },
  {
    title: "Saturation detectors",
    says: "How the gateway says that a pool is full: 1 is the set point.",
    choices: detectors.all,
  },
  {
    title: "Flow control: fairness",
    says: "How the flows of a priority band share it.",
    choices: fairnesses.all,
  },
  { title: "Flow control: ordering", says: "Who goes first within a flow.", choices: orderings.all },
  {
    title: "Flow control: usage limits",
    says: "Up to which saturation each band may send requests out.",
    choices: usageLimits.all,
  },
  { title: "Producers", says: "What is found out before scoring.", choices: producers.all },
  { title: "Admitters", says: "Who has the last word before a request is scheduled.", choices: admitters.all },
  { title: "Profile handlers", says: "Which profiles run.", choices: handlers.all },
  { title: "Deciders", says: "Whether a stage of its own is worth it for a request.", choices: deciders.all },
  { title: "Filters", says: "Who stays a candidate.", choices: filters.all },
  {
    title: "Scorers",
    says: "How well a candidate suits a request, from 0 to 1, times a weight.",
    choices: scorers.all,
  },
  { title: "Pickers", says: "Who is picked.", choices: pickers.all },
  {
    title: "Policies",
    says: "In place of all of these: `spec.overrides.gateway.policy`, or a Service.",
    choices: routingPolicies.all,
  },
];

const ROUTER = "llm-d-router, August 2026";
const SIMULATOR = "inference-sim (BLIS), August 2026";

const PRODUCTION_STACK = "vLLM production-stack, main of 2026";

/** Where a choice comes from that goes by none of llm-d's plugin types. */
const SOURCES: Readonly<Record<string, string>> = {
  "gaie-legacy": ROUTER,
  "least-queue": ROUTER,
  random: "kube-proxy, Kubernetes v1.36",
  "round-robin": `${SIMULATOR}; vLLM production-stack`,
  "power-of-two": "Mitzenmacher, The Power of Two Choices (2001); in none of the routers read, August 2026",
  service: "kube-proxy in iptables mode, Kubernetes v1.33",
  "production-stack-roundrobin": PRODUCTION_STACK,
  "production-stack-session": PRODUCTION_STACK,
  "production-stack-prefixaware": PRODUCTION_STACK,
  "production-stack-kvaware": PRODUCTION_STACK,
  "production-stack-disaggregated": PRODUCTION_STACK,
  "sglang-cache-aware": "SGLang, sgl-model-gateway 0.3, 2026",
  "dynamo-kv": "NVIDIA Dynamo, main of 2026",
  "vllm-dp": "vLLM 0.22's data-parallel coordinator, as inference-sim has it",
};

const KV_TIERS: readonly (readonly string[])[] = [
  [
    "`OffloadingConnector`, `CPUOffloadingSpec`",
    "host memory of each replica, LRU",
    "vllm/v1/kv_offload/cpu, vLLM, September 2026",
  ],
  [
    "the same, `TieringOffloadingSpec`",
    "host memory, and below it the first of `secondary_tiers`: `fs` (shared where its volume is) or `obj`",
    "vllm/v1/kv_offload/tiering, vLLM, September 2026",
  ],
  [
    "the same, `SharedStorageOffloadingSpec`",
    "files of 256 tokens in `shared_storage_path`, shared where its volume is",
    "llmd_fs_backend, llm-d-kv-cache, 2026",
  ],
  [
    "`LMCacheConnectorV1`",
    "host memory, and below it `remote_url`, shared, or `local_disk`; by LMCACHE_CONFIG_FILE (from a ConfigMap) and over it `LMCACHE_*`",
    "lmcache/v1/config.py and config_base.py, LMCache, main of 2026",
  ],
  [
    "`MooncakeStoreConnector`",
    "one store that all replicas share",
    "vllm/distributed/kv_transfer/kv_connector/v1/mooncake, vLLM, 2026",
  ],
];

const NOT_MODELLED: readonly string[] = [
  "Endpoint pickers that come and go, are found late or fail; what they would tell each other (`dataLayer`).",
  "Several ports of a pool: a pod is one endpoint, whatever ranks it has.",
  "`failureMode`: the endpoint picker never fails.",
  "That requests go on to other models or adapters (`InferenceModelRewrite`, `targetModels` of an InferenceModel), of which a warning is made.",
  "Mirrors, rewrites, header matches and retries of an HTTPRoute; of its weights, retries and mirrors a warning is made.",
  "The time that the gateway, the picker and its tokeniser take themselves.",
  "Further endpoints that a picker names as a fallback (`maxNumOfEndpoints` above 1).",
  "Peers, synchronised state and discovery of `dataLayer`; `injectDefaults: false`.",
  "The order of filters where no profile is listed: there by chance, here as the plugins are listed.",
];

/** Text of docs/gateway.md: what is read, every choice with its source, and what is not modelled. */
export const gatewayDocs = (): string =>
  [
    "# Gateway",
    "Generated from the lists of `src/dataplane` and `src/twin/readers` by `npm run gen`; don't edit.",
    "What stands before the pods is found by its selector, or named in `spec.mirror.router`: an InferencePool, whose endpoint " +
      "picker is found behind the Service that it names (or by `--pool-name`), with its flags and its configuration; else the " +
      "router of vLLM's production-stack (found by `--k8s-label-selector`), whose policy is its `--routing-logic`; else a " +
      "Service. `spec.overrides.gateway` says what is to differ. `servetwin explain` shows every value and its field.",
    "## What is read",
    table(
      ["kind", "group", "what it is"],
      [
        ...poolReaders,
        ...pickerReaders,
        ...stackRouterReaders,
        ...objectiveReaders,
        ...rewriteReaders,
        ...routeReaders,
        ...serviceReaders,
      ].map((reader) => [code(reader.kind), reader.group === "" ? "core" : code(reader.group), reader.summary]),
    ),
    "Of InferencePools, InferenceObjectives and InferenceModelRewrites those of the older group `inference.networking.x-k8s.io` are read too. An " +
      "`EndpointPickerConfig` (`llm-d.ai/v1alpha1`, or the older `inference.networking.x-k8s.io/v1alpha1`) is read from the " +
      "ConfigMap that `--config-file` is mounted from, from `--config-text`, or from `spec.overrides.gateway.endpointPickerConfig`; " +
      "what the picker would add by itself is added, and what would keep it from starting is an error at its field.",
    "The picker's Deployment says how many are at work: with `--ha-enable-leader-election` one, else all its replicas " +
      "(active-active); `spec.overrides.gateway.pickers` says another number. Pickers share nothing: each scrapes the replicas " +
      "at its own time, has its own in-flight counts, approximate prefix index, flow control and page of metrics " +
      "(`<pool>-epp-0`, …), so each knows of a part of the load. Try `pickers: 1` and `pickers: 3` as two `spec.candidates` " +
      '([deploy/examples/active-pickers](../deploy/examples/README.md#active-pickers)). Source: "Scaling Modes" of docs/operations.md and ' +
      "the chart's `ext_proc` cluster, llm-d-router@ebab6879 (August 2026).",
    "Routers of production-stack are as many as their Deployment's replicas " +
      "([deploy/examples/production-stack](../deploy/examples/README.md#production-stack)). Source: src/vllm_router, " +
      "vLLM production-stack@a6c01db0 (August 2026).",
    "## KV tiers",
    "What keeps KV beside the GPUs and is found again by whoever the gateway picks, by `--kv-transfer-config` " +
      "([deploy/examples/kv-tiers](../deploy/examples/README.md#kv-tiers)); `spec.overrides.engine.tier` says what no spec tells.",
    table(["connector", "what it is here", "source"], KV_TIERS),
    "## Choices",
    "A choice goes by its plugin type in an `EndpointPickerConfig`, with the parameters and defaults of its source.",
    ...SECTIONS.flatMap(section),
    "## Not modelled",
    "Known plugins that have a bearing on where requests go and are not simulated; a warning names each that is configured, and what is done instead.",
    table(
      ["plugin", "instead"],
      UNMODELLED.map(({ type, instead }) => [code(type), instead]),
    ),
    "Known plugins without a bearing on it; no warning is made.",
    table(
      ["plugin", "why"],
      HARMLESS.map(({ type, why }) => [code(type), why]),
    ),
    "And:",
    NOT_MODELLED.map((line) => `- ${line}`).join("\n"),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");

const section = ({ title, says, choices }: Section): string[] => [
  `### ${title}`,
  says,
  table(
    ["type", "what it does", "parameters", "source"],
    choices.map((choice) => [code(choice.name), choice.summary, parametersOf(choice), sourceOf(choice.name)]),
  ),
];

export const sourceOf = (name: string): string =>
  SOURCES[name] ?? (Object.hasOwn(PLUGIN_TYPES, name) ? ROUTER : SIMULATOR);

/** `queueDepthThreshold` 5, with a default where there is a plain one. */
const parametersOf = ({ params }: Choice): string =>
  Object.entries(params.shape)
    .map(([name, schema]) => {
      const byDefault = (schema as z.ZodType).safeParse(undefined);
      const value = byDefault.success ? byDefault.data : undefined;
      const shown = typeof value === "object" ? JSON.stringify(value) : String(value);
      return value === undefined || value === "" ? code(name) : `${code(name)} ${shown}`;
    })
    .join(", ");

const code = (text: string): string => `\`${text}\``;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
