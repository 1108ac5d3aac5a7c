import { durationSeconds } from "../../../model/duration.ts";
import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type NodePoolReading, nodePoolReader } from "../../reader.ts";
import { GPU_RESOURCES } from "../pod/gpu.ts";
import { readRequirement, readTaints } from "../pod/placement.ts";

/**
 * Reads Karpenter's NodePool, karpenter.sh/v1: labels, taints and limits of the nodes that it asks for, and when it gives
 * them back. Which machines they are its cloud decides. Source: pkg/apis/v1/nodepool.go, kubernetes-sigs/karpenter v1.9.
 */
export const nodePool = nodePoolReader({
  kind: "NodePool",
  group: "karpenter.sh",
  summary: "a NodePool of Karpenter, which asks for nodes",
  read: (manifest) => readNodePool(manifest),
});

const readNodePool = (manifest: Manifest): Result<NodePoolReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const template = spec.at("template");
  const requirements = template.at("spec", "requirements").items().flatMap(readRequirement);
  // A requirement that leaves one value is a label of every node.
  const fixed = requirements.flatMap(({ key, operator, values }) =>
    operator === "In" && values.length === 1 ? [[key, values[0] as string] as const] : [],
  );
  const limit = (name: string) => {
    const field = spec.at("limits", name);
    const value = Number(field.raw);
    return field.present && Number.isSafeInteger(value) && value >= 0 ? known(value, field.from) : undefined;
  };
  const tell: Tell = (field, message) => {
    problems.push({ severity: "warning", reason: "NotModelled", ...field.place, message });
  };
  const disruption = spec.at("disruption");
  const after = disruption.at("consolidateAfter").text();
  const reading: NodePoolReading = {
    ref: refOf(manifest),
    labels: {
      ...Object.fromEntries(fixed),
      ...template.at("metadata", "labels").texts(),
      "karpenter.sh/nodepool": manifest.metadata.name,
    },
    taints: readTaints(template.at("spec", "taints")),
    weight: spec.at("weight").whole(),
    gpuLimit: GPU_RESOURCES.map(limit).find((one) => one !== undefined),
    nodeLimit: limit("nodes"),
    consolidateAfterSeconds:
      after === undefined
        ? undefined
        : known(after.value === "Never" ? undefined : durationSeconds(after.value), after.from),
    whenEmptyOnly: disruption.at("consolidationPolicy").raw === "WhenEmpty",
    ...budgetsOf(disruption.at("budgets"), tell),
    expireAfterSeconds: lengthOf(template.at("spec", "expireAfter")),
  };
  if (disruption.at("consolidationPolicy").raw === "Balanced") {
    tell(
      disruption.at("consolidationPolicy"),
      "Balanced is simulated as WhenEmptyOrUnderutilized, which gives back more",
    );
  }
  for (const [field, what] of [
    [spec.at("replicas"), "a fixed number of nodes is simulated as a pool that grows and shrinks"],
    [template.at("spec", "terminationGracePeriod"), "a drain takes as long as it takes: nothing ends it"],
  ] as const) {
    if (field.present) tell(field, what);
  }
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};

type Tell = (field: Field, message: string) => void;

/** undefined: never, or not said. */
const lengthOf = (field: Field): Known<number> | undefined => {
  const text = field.text();
  return text === undefined || text.value === "Never" ? undefined : known(durationSeconds(text.value), text.from);
};

/** Of several the least counts; those for a time of day are not simulated, nor those for one of two reasons to give nodes back. */
const budgetsOf = (budgets: Field, tell: Tell): Pick<NodePoolReading, "budgetPercent" | "budgetNodes"> => {
  const said = budgets.items().flatMap((budget): Field[] => {
    const reasons = budget
      .at("reasons")
      .items()
      .map(({ raw }) => raw);
    const isForBoth = ["Empty", "Underutilized"].every((reason) => reasons.includes(reason));
    // Drift, the third, is not simulated.
    if (reasons.length > 0 && reasons.every((reason) => reason === "Drifted")) return [];
    if (budget.at("schedule").present)
      tell(budget.at("schedule"), "a budget of certain hours is not simulated, nor what it forbids");
    else if (reasons.length > 0 && !isForBoth) {
      tell(budget.at("reasons"), `a budget for ${reasons.join(" and ")} alone is not simulated, nor what it forbids`);
    } else return [budget.at("nodes")];
    return [];
  });
  const amounts = said.flatMap((nodes) => {
    const text = typeof nodes.raw === "number" ? known(String(nodes.raw), nodes.from) : nodes.text();
    const [, amount, percent] = /^(\d+)(%?)$/.exec(text?.value ?? "10%") ?? [];
    if (amount !== undefined) return [{ isShare: percent === "%", amount: known(Number(amount), nodes.from) }];
    tell(
      nodes,
      `must be a number of nodes or a share such as 10%, not ${JSON.stringify(nodes.raw)}; it is passed over`,
    );
    return [];
  });
  const least = (isShare: boolean): Known<number> | undefined =>
    amounts
      .flatMap((one) => (one.isShare === isShare ? [one.amount] : []))
      .toSorted((a, b) => a.value - b.value)
      .at(0);
  // Where there are only numbers, no share bounds.
  const [budgetPercent, budgetNodes] = [least(true), least(false)];
  return { budgetPercent: budgetPercent ?? (budgetNodes && known(100, budgetNodes.from)), budgetNodes };
};
