import { durationOf } from "../../model/duration.ts";
import type { Limits } from "../../schema/limits.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import { type Ledger, type MirroredValue, ownField } from "../ledger.ts";
import type { TraceInput, TrafficScenario } from "../scenario.ts";

/** The traffic as the simulation says it; all of it is the simulation's own. */
export const mirrorTraffic = (
  { metadata, spec: { workload } }: InferenceSimulation,
  input: TraceInput | undefined,
  { maxRequests }: Limits,
  ledger: Ledger,
): TrafficScenario | undefined => {
  const { synthetic, trace } = workload;
  const tell = (field: string, value: unknown): void => {
    for (const leaf of leavesOf("traffic", field, value)) {
      ledger.use(leaf.path, ownField(leaf.value, `${metadata.namespace}/${metadata.name}`, leaf.field));
    }
  };
  if (synthetic !== undefined) {
    tell("workload.synthetic", synthetic);
    return { kind: "synthetic", synthetic };
  }
  if (trace === undefined || input === undefined) {
    const field = "spec.workload.trace";
    return ledger.error({
      reason: "TraceNotFound",
      field,
      message: "the trace was not found",
      fix: "set path, configMap or url",
    });
  }
  tell("workload.trace", trace);
  return {
    kind: "trace",
    format: trace.format,
    input,
    rateScale: trace.rateScale,
    startOffsetMicros: durationOf(trace.startOffset),
    onError: trace.onError,
    maxRequests,
  };
};

/** Lists beyond this many entries (histograms of lengths) are told by their number. */
const LONGEST_LIST = 8;

interface Leaf {
  readonly path: string;
  readonly field: string;
  readonly value: MirroredValue["value"];
}

/** Entries of a list go by their name, or their place. */
const leavesOf = (path: string, field: string, value: unknown): readonly Leaf[] => {
  if (value === undefined) return [];
  if (Array.isArray(value)) {
    if (value.length > LONGEST_LIST) return [{ path: `${path}.length`, field, value: value.length }];
    return value.flatMap((item, i) => {
      const name = (item as { name?: string } | null)?.name ?? i;
      return leavesOf(`${path}[${name}]`, `${field}[${i}]`, item);
    });
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => leavesOf(`${path}.${key}`, `${field}.${key}`, inner));
  }
  return [{ path, field, value: value as MirroredValue["value"] }];
};
