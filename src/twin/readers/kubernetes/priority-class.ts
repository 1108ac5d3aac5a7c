import { known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type PriorityClassReading, priorityClassReader } from "../../reader.ts";

/** Reads a PriorityClass, scheduling.k8s.io/v1 (Kubernetes v1.36). Its fields stand at its root, as the API has them. */
export const priorityClass = priorityClassReader({
  kind: "PriorityClass",
  group: "scheduling.k8s.io",
  summary: "a PriorityClass, by which pods push others out",
  read: (manifest) => readClass(manifest),
});

const readClass = (manifest: Manifest): Result<PriorityClassReading> => {
  const problems: Problem[] = [];
  const root = Field.root(manifest, problems);
  const policy = root.at("preemptionPolicy");
  const reading: PriorityClassReading = {
    ref: refOf(manifest),
    value: root.at("value").integer() ?? known(0, { kind: "default", why: "Kubernetes: a class without a value is 0" }),
    globalDefault: root.at("globalDefault").truth()?.value ?? false,
    preemptionPolicy: policy.raw === "Never" ? known("Never", policy.from) : undefined,
  };
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};
