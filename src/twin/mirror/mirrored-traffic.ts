import { durationOf } from "../../model/duration.ts";
import type { Limits } from "../../schema/limits.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { traceHeader } from "../../workload/trace-header.ts";
import type { ReplayOptions } from "../../workload/traces/index.ts";
import { defaulted, derived, type Ledger, type MirroredValue, ownField } from "../ledger.ts";
import type { FoundTrace, TrafficScenario } from "../scenario.ts";

/** The traffic as the simulation says it; all of it is the simulation's own. */
export const mirrorTraffic = (
  { metadata, spec: { workload } }: InferenceSimulation,
  found: FoundTrace | undefined,
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
  if (trace === undefined || found === undefined) {
    const field = "spec.workload.trace";
    return ledger.error({
      reason: "TraceNotFound",
      field,
      message: "the trace was not found",
      fix: "set path, configMap or url",
    });
  }
  tell("workload.trace", trace);
  const replay = found.header === undefined ? undefined : mirrorReplay(trace, found.header, ledger);
  return {
    kind: "trace",
    format: trace.format,
    input: found.input,
    rateScale: trace.rateScale,
    startOffsetMicros: durationOf(trace.startOffset),
    onError: trace.onError,
    maxRequests,
    ...(replay === undefined ? {} : { replay }),
  };
};

/** How a trace with a header is replayed: as the simulation says, else as the header has it. */
const mirrorReplay = (
  { sessions, contextGrowth }: NonNullable<SimulationSpec["workload"]["trace"]>,
  { said, file }: NonNullable<FoundTrace["header"]>,
  ledger: Ledger,
): ReplayOptions | undefined => {
  const header = traceHeader(said, file);
  if (!header.ok) {
    ledger.add(header.problems, { field: "spec.workload.trace" });
    return undefined;
  }
  const { clock, contextGrowth: growth } = header.value;
  const path = "traffic.replay";
  ledger.use(`${path}.clock`, derived(clock, `mode in ${file}: zero: a simulation's clock; first-row: a wall's`));
  if (sessions === undefined) {
    const why = "closed-loop where the trace has think times or contexts that accumulate, else open-loop";
    ledger.use(`${path}.sessions`, defaulted("auto", why));
  }
  if (contextGrowth === undefined) {
    ledger.use(`${path}.contextGrowth`, derived(growth ?? "none", `session_context_growth in ${file}`));
  }
  return { sessions: sessions ?? "auto", contextGrowth: contextGrowth ?? growth ?? "none", clock };
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
