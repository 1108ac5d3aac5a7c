import { quantityMilli } from "../../../controlplane/hpa/quantity.ts";
import { known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type QuotaReading, quotaReader } from "../../reader.ts";
import { GPU_RESOURCES } from "../pod/gpu.ts";
import { textList } from "./label-selector.ts";

/** Of extended resources quotas know requests only. Source: resource quotas in Kubernetes' docs, v1.36. */
const COUNTED = ["pods", "count/pods", ...GPU_RESOURCES.map((resource) => `requests.${resource}`)];

/** Reads a core/v1 ResourceQuota: GPUs and pods of its namespace, and which pods it counts. */
export const resourceQuota = quotaReader({
  kind: "ResourceQuota",
  group: "",
  summary: "a ResourceQuota, which bounds GPUs and pods of its namespace",
  read: (manifest) => readQuota(manifest),
});

const readQuota = (manifest: Manifest): Result<QuotaReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const hard = COUNTED.flatMap((resource) => {
    const field = spec.at("hard", resource);
    if (!field.present) return [];
    const read = quantityMilli(typeof field.raw === "number" ? field.raw : String(field.raw));
    if (read.ok) return [{ resource, most: known(Math.floor(Number(read.value) / 1000), field.from) }];
    problems.push(...read.problems.map((problem) => ({ ...problem, ...field.place })));
    return [];
  });
  const plain = spec
    .at("scopes")
    .items()
    .map((scope) => ({ name: String(scope.raw), operator: "Exists" as const, values: [], from: scope.from }));
  const selected = spec
    .at("scopeSelector", "matchExpressions")
    .items()
    .map((one) => ({
      name: String(one.at("scopeName").raw),
      operator: OPERATORS.find((known) => known === one.at("operator").raw) ?? ("Exists" as const),
      values: textList(one.at("values")),
      from: one.from,
    }));
  const reading: QuotaReading = { ref: refOf(manifest), hard, scopes: [...plain, ...selected] };
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;
