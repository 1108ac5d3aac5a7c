import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type ObjectiveReading, objectiveReader } from "../../reader.ts";
import { readModelSplit } from "./model-split.ts";

/**
 * What took the place of a priority before InferenceObjectives: Critical was never shed, Sheddable was, and what said
 * nothing was Standard (gateway-api-inference-extension v0.5). The numbers are ours; only their order and sign count.
 */
const PRIORITY: Readonly<Record<string, number>> = { Critical: 1, Standard: 0, Sheddable: -1 };

/** Reads an InferenceModel, `inference.networking.x-k8s.io/v1alpha2`: gone since v1.0, and still found. */
export const inferenceModel = objectiveReader({
  kind: "InferenceModel",
  group: "inference.networking.x-k8s.io",
  summary: "an InferenceModel, whose criticality stands for a priority",
  read: (manifest) => readModel(manifest),
});

const readModel = (manifest: Manifest): Result<ObjectiveReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const ref = refOf(manifest);
  const model = spec.at("modelName").text()?.value;
  const reading = {
    ref,
    classes: [...new Set([ref.name, ...(model === undefined ? [] : [model])])],
    pool: spec.at("poolRef", "name").text(),
    priority: priorityOf(spec.at("criticality"), problems),
    ...splitOf(spec, model ?? ref.name),
  };
  return problems.length === 0 ? good(reading) : { ok: false, problems };
};

/** Its requests go to its targets by their weights, or, without any, on as they came. */
const splitOf = (spec: Field, model: string): Pick<ObjectiveReading, "split"> => {
  const split = readModelSplit([model], spec.at("targetModels"), "name");
  return split === undefined ? {} : { split };
};

const priorityOf = (field: Field, problems: Problem[]): Known<number> => {
  const said = field.text();
  if (said === undefined)
    return known(0, { kind: "default", why: "an InferenceModel without criticality is Standard" });
  const priority = Object.hasOwn(PRIORITY, said.value) ? PRIORITY[said.value] : undefined;
  if (priority !== undefined) return known(priority, said.from);
  const message = `must be one of ${Object.keys(PRIORITY).join(", ")}, got "${said.value}"`;
  problems.push({ severity: "error", reason: "BadCriticality", ...field.place, message });
  return known(0, said.from);
};
