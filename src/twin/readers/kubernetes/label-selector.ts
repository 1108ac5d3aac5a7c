import { meetsRequirement } from "../../../model/label-requirement.ts";
import type { Field } from "../../field.ts";

/** A Kubernetes `metav1.LabelSelector`; one that asks for nothing selects all. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: SelectorOperator;
    readonly values: readonly string[];
  }[];
}

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;
type SelectorOperator = (typeof OPERATORS)[number];

/** What the API server would refuse reads as absent. */
export const readLabelSelector = (field: Field): LabelSelector => ({
  matchLabels: field.at("matchLabels").texts(),
  matchExpressions: field
    .at("matchExpressions")
    .items()
    .flatMap((one) => {
      const key = one.at("key").text()?.value;
      const said = one.at("operator").text()?.value;
      const operator = OPERATORS.find((known) => known === said);
      if (key === undefined || operator === undefined) return [];
      return [{ key, operator, values: textList(one.at("values")) }];
    }),
});

export const textList = (field: Field): readonly string[] => field.items().flatMap((one) => one.text()?.value ?? []);

export const selectorMatches = (
  { matchLabels, matchExpressions }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every((expression) => meetsRequirement(labels, expression));
