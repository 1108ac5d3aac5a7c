import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type RewriteReading, rewriteReader } from "../../reader.ts";
import { readModelSplit } from "../gateway/model-split.ts";

/**
 * Reads an InferenceModelRewrite: `llm-d.ai/v1alpha2`, or the same in the older group `inference.networking.x-k8s.io`. A rule
 * without matches takes every request (llm-d-router, August 2026, apix/v1alpha2/inferencemodelrewrite_types.go).
 */
export const inferenceModelRewrite = rewriteReader({
  kind: "InferenceModelRewrite",
  group: "llm-d.ai",
  summary: "an InferenceModelRewrite, which has an endpoint picker send requests on to other models or adapters",
  read: (manifest) => readRewrite(manifest),
});

const readRewrite = (manifest: Manifest): Result<RewriteReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const splits = spec
    .at("rules")
    .items()
    .flatMap((rule) => {
      const models = rule
        .at("matches")
        .items()
        .flatMap((match) => match.at("model", "value").text()?.value ?? []);
      return readModelSplit(models, rule.at("targets"), "modelRewrite") ?? [];
    });
  const reading = { ref: refOf(manifest), splits };
  return problems.length === 0 ? good(reading) : { ok: false, problems };
};
