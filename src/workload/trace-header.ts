import { isMapping } from "../model/mapping.ts";
import { bad, good, type Result } from "../model/problem.ts";
import type { ReplayOptions } from "./session-trace.ts";

/** What the YAML header of a BLIS trace says of how to replay it. */
export type TraceHeader = Pick<ReplayOptions, "clock"> & {
  readonly contextGrowth: "accumulate" | undefined;
};

const VERSIONS: readonly unknown[] = [2, 3];
const MODES: readonly unknown[] = ["real", "generated", "replayed"];

/**
 * Reads the header of a TraceV2 (`trace_version` 2 and 3), given as plain data; what it says of the server that was
 * recorded is passed over: the mirrored specs say what is simulated. A `real` trace has the clock of a wall; others that of
 * a simulation, which starts at 0.
 */
export const traceHeader = (said: unknown, file: string): Result<TraceHeader> => {
  const wrong = (message: string, fix: string) => bad({ severity: "error", reason: "BrokenTrace", file, message, fix });
  if (!isMapping(said)) {
    return wrong("this is no header of a trace: it is not a mapping", "write trace_version: 3, time_unit and mode");
  }
  const version = said.trace_version;
  if (version === undefined) return wrong("trace_version is missing", "write trace_version: 3");
  if (!VERSIONS.includes(version)) {
    return wrong(`trace_version is ${JSON.stringify(version)}; only 2 and 3 can be read`, "write it anew as version 3");
  }
  const unit = said.time_unit ?? "microseconds";
  if (unit !== "microseconds" && unit !== "us") {
    return wrong(`time_unit is ${JSON.stringify(unit)}; it must be microseconds`, "convert the times");
  }
  const mode = said.mode ?? "generated";
  if (!MODES.includes(mode)) {
    return wrong(`mode is ${JSON.stringify(mode)}; it must be real, generated or replayed`, "write one of them");
  }
  const growth = said.session_context_growth ?? "";
  if (growth !== "" && growth !== "accumulate") {
    const message = `session_context_growth is ${JSON.stringify(growth)}; it must be accumulate, or be left out`;
    return wrong(message, "write accumulate, or leave it out");
  }
  return good({
    clock: mode === "real" ? "first-row" : "zero",
    contextGrowth: growth === "" ? undefined : "accumulate",
  });
};
