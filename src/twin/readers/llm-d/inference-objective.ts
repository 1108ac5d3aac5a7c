import { known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type ObjectiveReading, objectiveReader } from "../../reader.ts";

/**
 * Reads an InferenceObjective: `llm-d.ai/v1alpha2`, or the same in the older group `inference.networking.x-k8s.io`. A request
 * names it in a header; without a priority it counts as 0, and below 0 it may be shed (llm-d-router, August 2026).
 */
export const inferenceObjective = objectiveReader({
  kind: "InferenceObjective",
  group: "llm-d.ai",
  summary: "an InferenceObjective, which says a class's priority at the endpoint picker",
  read: (manifest) => readObjective(manifest),
});

const readObjective = (manifest: Manifest): Result<ObjectiveReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const priority =
    spec.at("priority").integer() ?? known(0, { kind: "default", why: "llm-d: an objective without priority is 0" });
  const reading = {
    ref: refOf(manifest),
    classes: [refOf(manifest).name],
    pool: spec.at("poolRef", "name").text(),
    priority,
  };
  return problems.length === 0 ? good(reading) : { ok: false, problems };
};
