import type { Field } from "../../field.ts";
import type { ModelSplit } from "../../reader.ts";

/**
 * Models that requests for others are sent on to, in proportion to their weights.
 * @param models that requests ask for; none: whatever they ask for
 * @param nameKey under which a target has its name
 * @returns undefined where they go on as they came
 */
export const readModelSplit = (
  models: readonly string[],
  targets: Field,
  nameKey: "name" | "modelRewrite",
): ModelSplit | undefined => {
  const read = targets.items().flatMap((target) => {
    const name = target.at(nameKey).text()?.value;
    return name === undefined ? [] : [{ name, weight: target.at("weight").whole()?.value ?? 1 }];
  });
  const isIdle = read.length === 0 || (models.length === 1 && read.every(({ name }) => name === models[0]));
  return isIdle ? undefined : { from: targets.from, models, targets: read };
};
