import type { DisruptionBudget } from "../../controlplane/pods/index.ts";
import { type Known, known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import type { Ledger } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { BudgetScenario } from "../nodes-scenario.ts";
import type { BudgetReading, WorkloadReading } from "../reader.ts";
import { budgetReaders } from "../readers/index.ts";
import { selectorMatches } from "../readers/kubernetes/label-selector.ts";
import { readWith } from "./mirrored-router.ts";

type BudgetSaid = NonNullable<NonNullable<SimulationSpec["overrides"]["nodes"]>["podDisruptionBudget"]>;

/**
 * The PodDisruptionBudget over each workload's pods, by its name: as overridden, else the one that selects them. Pods that two
 * select are evicted by nobody, as the API server refuses it.
 */
export const mirrorBudgets = (
  workloads: readonly WorkloadReading[],
  said: BudgetSaid | undefined,
  cluster: ObservedCluster,
  ledger: Ledger,
): ReadonlyMap<string, BudgetScenario> => {
  const found = new Map<string, BudgetScenario>();
  if (said !== undefined) {
    const budget = overriddenBudget(said);
    for (const { ref } of workloads) found.set(ref.name, use(ref.name, budget, ledger));
    return found;
  }
  const namespaces = new Set(workloads.map(({ ref }) => ref.namespace));
  const budgets = [...namespaces]
    .flatMap((namespace) => cluster.list(budgetReaders[0].kind, namespace))
    .flatMap((manifest) => {
      const reading = readWith(budgetReaders[0], manifest, ledger);
      return reading === undefined ? [] : [reading];
    });
  for (const { ref, labels } of workloads) {
    const [first, second] = budgets.filter((budget) => budget.ref.namespace === ref.namespace && over(budget, labels));
    if (first === undefined) continue;
    const shared = workloads
      .filter((one) => one.ref.namespace === first.ref.namespace && over(first, one.labels))
      .map((one) => one.ref.name);
    if (second !== undefined) tellTwo(first, second, objectText(ref), ledger);
    const bound = second === undefined ? first.bound : known<DisruptionBudget>({ maxUnavailable: 0 }, first.bound.from);
    const budget = use(ref.name, bound, ledger);
    found.set(
      ref.name,
      shared.length < 2 ? budget : { ...budget, shared: { name: first.ref.name, workloads: shared } },
    );
  }
  return found;
};

const over = ({ selector }: BudgetReading, labels: Readonly<Record<string, string>>): boolean =>
  selector !== undefined && selectorMatches(selector, labels);

const use = (workload: string, { value, from }: Known<DisruptionBudget>, ledger: Ledger): DisruptionBudget => {
  const [bound, pods] =
    "minAvailable" in value ? ["minAvailable", value.minAvailable] : ["maxUnavailable", value.maxUnavailable];
  ledger.use(`workloads[${workload}].placement.disruptionBudget.${bound}`, known(pods, from));
  return value;
};

const tellTwo = ({ ref: first }: BudgetReading, second: BudgetReading, pods: string, ledger: Ledger): void => {
  ledger.warn({
    reason: "TwoBudgets",
    object: objectText(second.ref),
    field: "spec.selector",
    message: `selects the pods of ${pods}, as ${objectText(first)} does: the API server evicts pods of two budgets never, and so they are simulated`,
    fix: "let one budget select them",
  });
};

const overriddenBudget = ({ minAvailable, maxUnavailable }: BudgetSaid): Known<DisruptionBudget> => {
  const field = "spec.overrides.nodes.podDisruptionBudget";
  return minAvailable === undefined
    ? known(
        { maxUnavailable: podsOrShare(maxUnavailable ?? "0") },
        { kind: "override", field: `${field}.maxUnavailable` },
      )
    : known({ minAvailable: podsOrShare(minAvailable) }, { kind: "override", field: `${field}.minAvailable` });
};

const podsOrShare = (text: string): number | `${number}%` =>
  text.endsWith("%") ? `${Number(text.slice(0, -1))}%` : Number(text);
