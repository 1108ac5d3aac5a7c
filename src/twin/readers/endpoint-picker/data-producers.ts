import type { Field } from "../../field.ts";
import type { PluginReading } from "./plugin-reading.ts";

/** An attribute of endpoints: the parameter by which its readers name a producer, and who produces it otherwise. */
interface Attribute {
  readonly what: string;
  readonly parameter: string;
  readonly producer: string;
}

const PREFIX: Attribute = {
  what: "prefix matches",
  parameter: "prefixMatchInfoProducerName",
  producer: "approx-prefix-cache-producer",
};
const LOAD: Attribute = {
  what: "in-flight load",
  parameter: "inFlightLoadProducerName",
  producer: "inflight-load-producer",
};
const LATENCY: Attribute = {
  what: "predicted latencies",
  parameter: "latencyPredictionInfoProducerName",
  producer: "predicted-latency-producer",
};

/** What each type of plugin has to have (its `Consumes().Required`); that of tokens is left out, since here their number is known. */
const READS: Readonly<Record<string, (parameters: Field) => readonly Attribute[]>> = {
  "prefix-cache-scorer": () => [PREFIX],
  "no-hit-lru-scorer": () => [PREFIX],
  "latency-scorer": () => [LATENCY, PREFIX],
  "disagg-profile-handler": () => [PREFIX],
  "pd-profile-handler": () => [PREFIX],
  "active-request-scorer": () => [LOAD],
  "token-load-scorer": () => [LOAD],
  "concurrency-detector": () => [LOAD],
  "slo-headroom-tier-filter": () => [LATENCY],
  "latency-slo-admitter": () => [LATENCY],
  "predicted-latency-producer": () => [PREFIX, LOAD],
  "prefix-cache-affinity-filter": (parameters) =>
    parameters.at("maxTTFTPenaltyMs").raw === 0
      ? [PREFIX]
      : [PREFIX, parameters.at("ttftSource").raw === "latencyPredictor" ? LATENCY : LOAD],
};

export interface Missing {
  readonly plugin: PluginReading;
  readonly attribute: Attribute;
  /** Where the producer is named; absent where it isn't. */
  readonly field: Field;
  readonly producer: string;
}

/**
 * Who reads an attribute that nobody of the name it asks for produces: a precise index doesn't count for a scorer that
 * doesn't name it. Source: llm-d-router, August 2026, pkg/epp/datalayer/data_graph.go (CreateMissingDataProducers).
 */
export const missingProducers = (plugins: ReadonlyMap<string, PluginReading>): readonly Missing[] =>
  [...plugins.values()].flatMap((plugin) =>
    (READS[plugin.type]?.(plugin.parameters) ?? []).flatMap((attribute) => {
      const field = plugin.parameters.at(attribute.parameter);
      const named = typeof field.raw === "string" && field.raw !== "" ? field.raw : attribute.producer;
      return plugins.has(named) ? [] : [{ plugin, attribute, field, producer: named }];
    }),
  );
