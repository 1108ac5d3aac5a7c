import { deciders } from "./deciders/index.ts";
import { filters } from "./filters/index.ts";
import { handlers } from "./handlers/index.ts";
import { pickers } from "./pickers/index.ts";
import { producers } from "./producers/index.ts";
import { scorers } from "./scorers/index.ts";

/** What a plugin type of an EndpointPickerConfig is here. */
export type PluginMeaning =
  | {
      readonly is: "modelled";
      readonly kinds: readonly ("filter" | "scorer" | "picker" | "decider" | "producer" | "handler")[];
    }
  /** Without a bearing on where requests go in the twin, and why. */
  | { readonly is: "harmless"; readonly why: string }
  /** Known to llm-d-router v0.9 and left out here; what is assumed instead. */
  | { readonly is: "left-out"; readonly assumed: string }
  | { readonly is: "unknown" };

const LISTS = [
  ["filter", filters],
  ["scorer", scorers],
  ["picker", pickers],
  ["decider", deciders],
  ["producer", producers],
  ["handler", handlers],
] as const;

const HARMLESS: Readonly<Record<string, string>> = {
  "token-producer": "requests know their prompt tokens, and counting them takes no time",
  tokenizer: "requests know their prompt tokens, and counting them takes no time",
  "metrics-data-source": "the gateway's scrapes are a setting of the simulation",
  "core-metrics-extractor": "waiting, running, KV usage, LoRA and cache configuration are always read",
  "models-data-source": "a pool serves the models that its traffic asks for",
  "models-data-extractor": "a pool serves the models that its traffic asks for",
  "topology-extractor": "topology is read from the default labels",
  "endpoint-notification-source": "the gateway hears at once of pods that come and go",
  "k8s-notification-source": "the gateway hears at once of pods that come and go",
  "file-discovery": "endpoints are the pods of the mirrored workloads",
  "disagg-headers-handler": "the placement itself says who computes the prompt",
  "prefill-header-handler": "the placement itself says who computes the prompt",
  "destination-endpoint-served-verifier": "requests are served where they are sent",
  "request-attribute-reporter": "it only reports",
  "agent-identity": "traffic says who sent a request",
};

const NOBODY_SCORES = "it scores every endpoint alike";

const LEFT_OUT: Readonly<Record<string, string>> = {
  "mm-embeddings-cache-scorer": `encoder caches are not known to the gateway: ${NOBODY_SCORES}`,
  "mm-embeddings-cache-producer": "encoder caches are not known to the gateway",
  "multicluster-queue-scorer": `one cluster only: ${NOBODY_SCORES}`,
  "multicluster-kv-cache-utilization-scorer": `one cluster only: ${NOBODY_SCORES}`,
  "multicluster-prefix-cache-scorer": `one cluster only: ${NOBODY_SCORES}`,
  "multicluster-session-affinity-filter": "one cluster only: all endpoints stay",
  "p2p-source-producer": "KV blocks are not copied between peers",
  "header-profile-handler": "traffic carries no such header: as single-profile-handler with the first profile",
  "header-based-testing-filter": "traffic carries no test header: all endpoints stay",
  "dcgm-data-source": "GPU counters are not scraped: attributes of theirs are had by nobody",
  "dcgm-extractor": "GPU counters are not scraped: attributes of theirs are had by nobody",
  "disaggregatedset-rollout-screener": "roll-outs are not screened: all endpoints stay",
};

export const pluginMeaning = (type: string): PluginMeaning => {
  const kinds = LISTS.filter(([, list]) => list.all.some(({ name }) => name === type)).map(([kind]) => kind);
  if (kinds.length > 0) return { is: "modelled", kinds };
  const why = HARMLESS[type];
  if (why !== undefined) return { is: "harmless", why };
  const assumed = LEFT_OUT[type];
  return assumed === undefined ? { is: "unknown" } : { is: "left-out", assumed };
};

/** Every plugin type that has a meaning; to find what a typo meant. */
export const knownPluginTypes: readonly string[] = [
  ...new Set([
    ...LISTS.flatMap(([, list]) => list.all.map(({ name }) => name)),
    ...Object.keys(HARMLESS),
    ...Object.keys(LEFT_OUT),
  ]),
].sort();
