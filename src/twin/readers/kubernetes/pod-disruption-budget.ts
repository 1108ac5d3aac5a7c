import type { DisruptionBudget } from "../../../controlplane/pods/index.ts";
import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type BudgetReading, budgetReader } from "../../reader.ts";
import { readLabelSelector } from "./label-selector.ts";

/**
 * Reads a PodDisruptionBudget, policy/v1: how many of the pods that it selects must stay ready while others are evicted. An
 * empty selector selects all of its namespace, none selects nobody; without a bound all may go. Source: API and validation of
 * policy/v1 (pkg/apis/policy/validation), Kubernetes v1.36.
 */
export const podDisruptionBudget = budgetReader({
  kind: "PodDisruptionBudget",
  group: "policy",
  summary: "a PodDisruptionBudget, which bounds evictions",
  read: (manifest) => readBudget(manifest),
});

const readBudget = (manifest: Manifest): Result<BudgetReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const [least, most] = [spec.at("minAvailable"), spec.at("maxUnavailable")];
  if (least.present && most.present) {
    const message = "minAvailable and maxUnavailable are both set, which the API server refuses";
    problems.push({ severity: "error", reason: "Malformed", ...most.place, message, fix: "leave one of them out" });
  }
  const reading: BudgetReading = {
    ref: refOf(manifest),
    selector: spec.at("selector").present ? readLabelSelector(spec.at("selector")) : undefined,
    bound: boundOf(least, most, spec.at("unhealthyPodEvictionPolicy"), problems),
  };
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};

const boundOf = (least: Field, most: Field, policy: Field, problems: Problem[]): Known<DisruptionBudget> => {
  const unhealthy = policy.raw === "AlwaysAllow" ? ({ unhealthyPods: "AlwaysAllow" } as const) : {};
  if (most.present) return known({ maxUnavailable: podsOf(most, problems), ...unhealthy }, most.from);
  if (least.present) return known({ minAvailable: podsOf(least, problems), ...unhealthy }, least.from);
  return known({ minAvailable: 0, ...unhealthy }, { kind: "default", why: "a budget without a bound lets all go" });
};

/** IntOrString: a number of pods, or a share of them. */
const podsOf = (field: Field, problems: Problem[]): number | `${number}%` => {
  const { raw } = field;
  if (typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 0) return raw;
  if (typeof raw === "string" && /^([0-9]|[1-9][0-9]|100)%$/.test(raw)) return `${Number(raw.slice(0, -1))}%`;
  const message = `must be a number of pods or a share of them such as "25%", not ${JSON.stringify(raw)}`;
  problems.push({ severity: "error", reason: "Malformed", ...field.place, message });
  return 0;
};
