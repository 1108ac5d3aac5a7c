import { durationOf } from "../../model/duration.ts";
import type { Limits } from "../../schema/limits.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { traceHeader } from "../../workload/trace-header.ts";
import { IMAGE_TOKENS, type ReplayOptions } from "../../workload/traces/index.ts";
import { defaulted, derived, type Ledger, ownField } from "../ledger.ts";
import type { FoundDocument, FoundTrace, FoundTraffic, TrafficScenario } from "../scenario.ts";
import { mirrorObserved } from "./mirrored-observed.ts";
import { mirrorProfile } from "./mirrored-profile.ts";
import { leavesOf } from "./traffic-leaves.ts";

/** What whoever holds the store has found. */
interface Found {
  readonly trace: FoundTrace | undefined;
  readonly profile: FoundDocument | undefined;
  readonly observed: FoundTraffic | undefined;
}

/**
 * The traffic as the simulation says it, or as production's series tell it.
 * @param served model names of the mirrored workloads
 */
export const mirrorTraffic = (
  simulation: InferenceSimulation,
  { trace: found, profile: foundProfile, observed }: Found,
  served: readonly string[],
  limits: Limits,
  ledger: Ledger,
): TrafficScenario | undefined => {
  const { metadata, spec } = simulation;
  const { prometheus, synthetic, trace, profile } = spec.workload;
  const tell = (field: string, value: unknown): void => {
    for (const leaf of leavesOf("traffic", field, value)) {
      ledger.use(leaf.path, ownField(leaf.value, `${metadata.namespace}/${metadata.name}`, leaf.field));
    }
  };
  if (synthetic !== undefined) {
    tell("workload.synthetic", synthetic);
    return { kind: "synthetic", synthetic };
  }
  if (prometheus !== undefined) {
    tell("workload.prometheus", prometheus);
    return mirrorObserved(prometheus, simulation, observed, served, limits, ledger);
  }
  if (profile !== undefined) {
    tell("workload.profile", profile.inline === undefined ? profile : { format: profile.format, inline: "…" });
    return mirrorProfile(spec, foundProfile, limits, ledger);
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
  const replay = found.header === undefined ? agentReplay(trace) : mirrorReplay(trace, found.header, ledger);
  const { imageTokens, retry } = trace;
  if (trace.format === "azure-2025" && imageTokens === undefined) {
    ledger.use(
      "traffic.imageTokens",
      defaulted(IMAGE_TOKENS, "LLaVA 1.5: 24 x 24 patches; the trace tells images only"),
    );
  }
  return {
    kind: "trace",
    format: trace.format,
    input: found.input,
    rateScale: trace.rateScale,
    startOffsetMicros: durationOf(trace.startOffset),
    onError: trace.onError,
    maxRequests: limits.maxRequests,
    ...(replay === undefined ? {} : { replay }),
    ...(imageTokens === undefined ? {} : { imageTokens }),
    ...(retry === undefined ? {} : { retry }),
  };
};

/** Traces of agents have no header: only how their sessions are replayed can be said. */
const agentReplay = ({ sessions }: NonNullable<SimulationSpec["workload"]["trace"]>): ReplayOptions | undefined =>
  sessions === undefined ? undefined : { sessions, contextGrowth: "recorded", clock: "first-row" };

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
