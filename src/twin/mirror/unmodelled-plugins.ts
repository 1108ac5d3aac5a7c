import { admitters } from "../../dataplane/admitters/index.ts";
import { detectors } from "../../dataplane/detectors/index.ts";
import { fairnesses } from "../../dataplane/flow-control/fairnesses/index.ts";
import { orderings } from "../../dataplane/flow-control/orderings/index.ts";
import { usageLimits } from "../../dataplane/flow-control/usage-limits/index.ts";
import { pluginMeaning } from "../../dataplane/known-plugins.ts";
import { PLUGIN_TYPES, type PluginKind } from "../readers/endpoint-picker/plugin-types.ts";

/** Plugins of the gate; those of scheduling know their own meaning. */
const GATE: Readonly<Partial<Record<PluginKind, readonly { readonly name: string }[]>>> = {
  admitter: admitters.all,
  fairness: fairnesses.all,
  ordering: orderings.all,
  "usage-limit": usageLimits.all,
  detector: detectors.all,
};

/** What the twin does in place of a plugin that nothing more is known of. */
const INSTEAD: Readonly<Record<PluginKind, string>> = {
  handler: "the first profile runs for every request",
  picker: "the best score wins",
  filter: "it drops nobody",
  scorer: "it has no vote",
  decider: "the stage never runs apart",
  producer: "what it produces is missing",
  admitter: "it refuses nobody",
  fairness: "the oldest request over all flows goes first",
  ordering: "the oldest request goes first",
  "usage-limit": "every band may use the whole pool",
  detector: "the pool never counts as full",
  "data-layer": "what it collects is missing",
  parser: "requests are known as they are",
  other: "it does nothing",
};

/** @returns what the twin does in place of a plugin; undefined if it is modelled, or has no bearing on where requests go */
export const insteadOf = (type: string): string | undefined => {
  const meaning = pluginMeaning(type);
  if (meaning.is === "left-out") return meaning.assumed;
  const kinds = PLUGIN_TYPES[type]?.kinds ?? [];
  const isModelled = kinds.some((kind) => kind === "parser" || GATE[kind]?.some(({ name }) => name === type));
  return meaning.is !== "unknown" || isModelled ? undefined : kinds.map((kind) => INSTEAD[kind]).join(", and ");
};

/** Every known type that is not simulated, with what is done instead. */
export const UNMODELLED: readonly { readonly type: string; readonly instead: string }[] = Object.keys(
  PLUGIN_TYPES,
).flatMap((type) => {
  const instead = insteadOf(type);
  return instead === undefined ? [] : [{ type, instead }];
});

/** Those without a bearing on where requests go, and why. */
export const HARMLESS: readonly { readonly type: string; readonly why: string }[] = Object.keys(PLUGIN_TYPES).flatMap(
  (type) => {
    const meaning = pluginMeaning(type);
    return meaning.is === "harmless" ? [{ type, why: meaning.why }] : [];
  },
);
