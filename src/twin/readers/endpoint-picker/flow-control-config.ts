import { quantityMilli } from "../../../controlplane/hpa/quantity.ts";
import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Field } from "../../field.ts";
import { goDurationSeconds } from "./go-duration.ts";
import type { PluginReading } from "./plugin-reading.ts";
import type { PluginKind } from "./plugin-types.ts";

/** The queue of the endpoint picker, where it is on. */
export interface FlowControlReading {
  /** undefined: no limit over all bands. */
  readonly maxRequests: Known<number> | undefined;
  readonly maxBytes: Known<number> | undefined;
  /** 0: for ever. */
  readonly ttlSeconds: Known<number>;
  readonly noEndpointTtlSeconds: Known<number>;
  readonly defaultBand: BandReading;
  /** undefined: as the default one. */
  readonly defaultNegativeBand: BandReading | undefined;
  readonly bands: readonly (BandReading & { readonly priority: Known<number> })[];
  readonly usageLimit: PluginReading;
  readonly eviction: Known<boolean>;
}

export interface BandReading {
  readonly maxRequests: Known<number>;
  readonly maxBytes: Known<number>;
  readonly ordering: PluginReading;
  readonly fairness: PluginReading;
}

export interface FlowControlParts {
  readonly defaults: Record<"ordering" | "fairness" | "usageLimit", PluginReading>;
  /** The plugin that a field names; tells what is wrong with it. */
  readonly ref: (field: Field, kind: PluginKind) => PluginReading | undefined;
  /** Tells fields that are none of `names`. */
  readonly known: (field: Field, names: readonly string[]) => void;
  readonly problems: Problem[];
}

const LIMITS = { maxRequests: 5000, maxBytes: 1e9 };
const TTL_SECONDS = 60;
const BAND_FIELDS = ["priority", "maxBytes", "maxRequests", "orderingPolicyRef", "fairnessPolicyRef"];
const FIELDS = [
  "maxBytes",
  "maxRequests",
  "defaultRequestTTL",
  "noEndpointRequestTTL",
  "defaultPriorityBand",
  "defaultNegativePriorityBand",
  "priorityBands",
  "usageLimitPolicyPluginRef",
  "saturationDetector",
  "enableEviction",
];

/**
 * Reads `flowControl`. Sources: llm-d-router, August 2026, config/loader/flowcontrol.go, flowcontrol/registry/config.go (5000
 * requests and 1 GB per band; 0 is as good as nothing) and flowcontrol/controller/config.go (60 s; the budget without
 * endpoints follows the other one).
 */
export const readFlowControl = (section: Field, parts: FlowControlParts): FlowControlReading => {
  const { problems, defaults } = parts;
  parts.known(section, FIELDS);
  parts.known(section.at("saturationDetector"), ["pluginRef"]);
  const ttl = ttlOf(section.at("defaultRequestTTL"), problems);
  const byDefault = known(TTL_SECONDS, {
    kind: "default" as const,
    why: "llm-d flow control: requests wait 60 s at most",
  });
  const [whole, negative] = [section.at("defaultPriorityBand"), section.at("defaultNegativePriorityBand")];
  return {
    maxRequests: quantityOf(section.at("maxRequests"), problems),
    maxBytes: quantityOf(section.at("maxBytes"), problems),
    ttlSeconds: ttl ?? byDefault,
    noEndpointTtlSeconds: ttlOf(section.at("noEndpointRequestTTL"), problems) ?? ttl ?? byDefault,
    defaultBand: bandOf(whole, parts),
    defaultNegativeBand: negative.present ? bandOf(negative, parts) : undefined,
    bands: bandsOf(section.at("priorityBands"), parts),
    usageLimit: refOr(section.at("usageLimitPolicyPluginRef"), "usage-limit", defaults.usageLimit, parts),
    eviction:
      section.at("enableEviction").truth() ??
      known(false, { kind: "default", why: "llm-d flow control: enableEviction is false" }),
  };
};

const bandsOf = (list: Field, parts: FlowControlParts): FlowControlReading["bands"] => {
  const seen = new Set<number>();
  return list.items().map((item) => {
    const field = item.at("priority");
    const priority = field.integer() ?? known(0, { kind: "default", why: "llm-d flow control: priority is 0" });
    if (seen.has(priority.value)) {
      const message = `there are two bands of priority ${priority.value}`;
      parts.problems.push({ severity: "error", reason: "Duplicate", ...field.place, message, fix: "drop one" });
    }
    seen.add(priority.value);
    return { priority, ...bandOf(item, parts) };
  });
};

const bandOf = (band: Field, parts: FlowControlParts): BandReading => {
  parts.known(band, BAND_FIELDS);
  const limit = (name: keyof typeof LIMITS): Known<number> =>
    quantityOf(band.at(name), parts.problems) ??
    known(LIMITS[name], { kind: "default", why: `llm-d flow control: ${name} of a band is ${LIMITS[name]}` });
  return {
    maxRequests: limit("maxRequests"),
    maxBytes: limit("maxBytes"),
    ordering: refOr(band.at("orderingPolicyRef"), "ordering", parts.defaults.ordering, parts),
    fairness: refOr(band.at("fairnessPolicyRef"), "fairness", parts.defaults.fairness, parts),
  };
};

const refOr = (field: Field, kind: PluginKind, otherwise: PluginReading, { ref }: FlowControlParts): PluginReading =>
  field.present && field.raw !== "" ? (ref(field, kind) ?? otherwise) : otherwise;

/** A Kubernetes quantity, rounded up to a whole number; 0 is as if it were not there. */
const quantityOf = (field: Field, problems: Problem[]): Known<number> | undefined => {
  if (!field.present) return undefined;
  const parsed = quantityMilli(typeof field.raw === "number" ? field.raw : String(field.raw));
  if (!parsed.ok) {
    problems.push(...parsed.problems.map((problem) => ({ ...problem, ...field.place })));
    return undefined;
  }
  const value = Math.ceil(Number(parsed.value) / 1000);
  if (value < 0) {
    problems.push({
      severity: "error",
      reason: "OutOfBounds",
      ...field.place,
      message: `must be at least 0, got ${value}`,
    });
  }
  return value > 0 ? known(value, field.from) : undefined;
};

const ttlOf = (field: Field, problems: Problem[]): Known<number> | undefined => {
  const said = field.text();
  if (said === undefined) return undefined;
  const seconds = goDurationSeconds(said.value);
  if (seconds !== undefined && seconds >= 0) return known(seconds, said.from);
  const message = `must be a duration of at least 0 such as 30s or 10m, got "${said.value}"`;
  problems.push({ severity: "error", reason: "BadDuration", ...field.place, message });
  return undefined;
};
