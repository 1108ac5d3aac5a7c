import { ROLLOUT_DEFAULT, type RolloutStrategy } from "../../../controlplane/pods/index.ts";
import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Field } from "../../field.ts";

/**
 * A Deployment's `spec.strategy`. What the API server would refuse is told.
 * Source: Kubernetes v1.36, pkg/apis/apps/validation (ValidateRollingUpdateDeployment), pkg/apis/apps/v1/defaults.go.
 */
export const readStrategy = (field: Field, problems: Problem[]): Known<RolloutStrategy> => {
  if (field.at("type").raw === "Recreate") return known({ type: "Recreate" }, field.at("type").from);
  const said = field.at("rollingUpdate");
  if (!said.present) return known(ROLLOUT_DEFAULT, { kind: "default", why: "Kubernetes: surge and unavailable 25 %" });
  const [maxSurge, maxUnavailable] = [said.at("maxSurge"), said.at("maxUnavailable")].map((one) =>
    podsOf(one, problems),
  );
  if (maxSurge === 0 && maxUnavailable === 0) {
    const message = "may not be 0 when `maxSurge` is 0";
    problems.push({ severity: "error", reason: "Malformed", ...said.at("maxUnavailable").place, message });
  }
  const strategy = {
    type: "RollingUpdate" as const,
    maxSurge: maxSurge ?? "25%",
    maxUnavailable: maxUnavailable ?? "25%",
  };
  return known(strategy, said.from);
};

const podsOf = (field: Field, problems: Problem[]): number | `${number}%` | undefined => {
  const { raw } = field;
  if (!field.present) return undefined;
  if (Number.isSafeInteger(raw) && (raw as number) >= 0) return raw as number;
  if (typeof raw === "string" && /^\d{1,9}%$/.test(raw)) return `${Number(raw.slice(0, -1))}%`;
  const message = `must be a whole number of pods or a percentage, not ${JSON.stringify(raw)}`;
  problems.push({ severity: "error", reason: "Malformed", ...field.place, message });
  return undefined;
};
