import { problemsOf } from "../../schema/issue.ts";
import { type Limits, trafficProblems } from "../../schema/limits.ts";
import { withoutNulls } from "../../schema/parse.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { type Profile, presetWorkload, profiles } from "../../workload/profiles/index.ts";
import type { SyntheticWorkload } from "../../workload/sources/index.ts";
import { derived, type Ledger } from "../ledger.ts";
import type { FoundDocument, TrafficScenario } from "../scenario.ts";
import { tellInside } from "./found-document.ts";
import { leavesOf } from "./traffic-leaves.ts";

const FIELD = "spec.workload.profile";
const MOST_PROBLEMS = 20;

/** Another tool's workload as clients of the synthetic source. */
export const mirrorProfile = (
  spec: SimulationSpec,
  found: FoundDocument | undefined,
  limits: Limits,
  ledger: Ledger,
): TrafficScenario | undefined => {
  const { preset, rate = 0, format } = spec.workload.profile ?? {};
  const profile = profiles.find(({ name }) => name === format);
  const synthetic =
    preset !== undefined ? presetWorkload(preset, rate) : found && profile && readProfile(profile, found, ledger);
  if (synthetic === undefined) return undefined;
  const how = `${preset === undefined ? `${format} file` : `preset ${preset}`}${found?.file === undefined ? "" : ` ${found.file}`}`;
  for (const { path, value } of leavesOf("traffic", "", synthetic)) ledger.use(path, derived(value, how));
  const beyond = trafficProblems(synthetic, spec, limits, FIELD);
  ledger.add(beyond, {});
  return beyond.length > 0 ? undefined : { kind: "synthetic", synthetic };
};

const readProfile = (profile: Profile, found: FoundDocument, ledger: Ledger): SyntheticWorkload | undefined => {
  const raw = withoutNulls(found.said);
  const parsed = profile.schema.safeParse(raw);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, profile.schema, raw));
    tellInside(problems.slice(0, MOST_PROBLEMS), found, FIELD, ledger);
    return undefined;
  }
  const converted = profile.convert(parsed.data);
  tellInside(converted.ok ? converted.warnings : converted.problems.slice(0, MOST_PROBLEMS), found, FIELD, ledger);
  return converted.ok ? converted.value : undefined;
};
