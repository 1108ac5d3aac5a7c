import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { timestampOf } from "../../workload/timestamp.ts";
import { type Ledger, overridden } from "../ledger.ts";

/** @returns undefined for what is no date and time with a zone */
export const unixSecondsOf = (text: string): number | undefined => {
  const read = timestampOf(text);
  return read?.zoned ? read.micros / 1e6 : undefined;
};

/** Unix time at which the world begins; undefined where nothing is said, or nothing that can be read. */
export const mirrorStartTime = ({ overrides }: SimulationSpec, ledger: Ledger): number | undefined => {
  const said = overridden(overrides.autoscaler?.startTime, "overrides.autoscaler.startTime");
  if (said === undefined) return undefined;
  const unixSeconds = unixSecondsOf(ledger.use("metrics.startTime", said));
  if (unixSeconds !== undefined) return unixSeconds;
  return ledger.error({
    reason: "BadTime",
    field: "spec.overrides.autoscaler.startTime",
    message: `${said.value} is no date and time with a zone`,
    fix: 'write it as RFC 3339 has it, such as "2026-01-05T08:00:00Z"',
  });
};
