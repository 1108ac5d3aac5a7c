import { type NamedCorrections, type OwnCorrections, ownParameters } from "../../latency/named-corrections.ts";
import { type Ledger, overridden } from "../ledger.ts";

const FIELD = "overrides.engine.latencyCorrections";

/** What was fitted to measurements of the deployment itself, each value under its own name; other models have none. */
export const mirrorCorrections = (
  said: NamedCorrections | undefined,
  model: string,
  ledger: Ledger,
  path: string,
): OwnCorrections | undefined => {
  if (said === undefined) return undefined;
  if (model !== "physical") {
    const message = `latencyCorrections are those of the latency model physical, not of ${model}`;
    const fix = "leave overrides.engine.latencyModel and mode: blis out, or latencyCorrections";
    return ledger.error({ reason: "NotOfThisModel", field: `spec.${FIELD}`, message, fix });
  }
  for (const [name, value] of Object.entries(said)) {
    const known = overridden(value, `${FIELD}.${name}`);
    if (known !== undefined) ledger.use(`${path}.latencyCorrections.${name}`, known);
  }
  return ownParameters(said);
};
