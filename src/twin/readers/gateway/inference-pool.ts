import { known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { groupOf, type Manifest, refOf } from "../../manifest.ts";
import { type PoolReading, poolReader } from "../../reader.ts";

/**
 * Reads an InferencePool: whom it selects and who picks among them. `inference.networking.k8s.io/v1`, and the older
 * `inference.networking.x-k8s.io/v1alpha2`, whose selector is a plain map, whose port is one number and whose picker is an
 * extensionRef (gateway-api-inference-extension v1.0 and v0.5).
 */
export const inferencePool = poolReader({
  kind: "InferencePool",
  group: "inference.networking.k8s.io",
  summary: "an InferencePool, whose endpoint picker chooses a pod for each request",
  read: (manifest) => readPool(manifest),
});

const readPool = (manifest: Manifest): Result<PoolReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const isOld = groupOf(manifest.apiVersion) !== inferencePool.group;
  const selector = isOld ? spec.at("selector") : spec.at("selector", "matchLabels");
  const labels = selector.texts();
  const missing = (field: Field, fix: string): void => {
    problems.push({ severity: "error", reason: "BadPool", ...field.place, message: "is required", fix });
  };
  if (Object.keys(labels).length === 0) missing(selector, "name the labels of the pods that serve the model");
  const port = spec.at("targetPortNumber");
  const ports = isOld ? (port.present ? [port] : []) : spec.at("targetPorts").items();
  const picker = spec.at(isOld ? "extensionRef" : "endpointPickerRef");
  const kind = picker.at("kind").text()?.value ?? "Service";
  const name = picker.at("name").text();
  if (name === undefined) missing(picker.at("name"), "name the Service of the endpoint picker");
  if (ports.length > 1) {
    const message = `${ports.length} ports are ranks of a pod that are picked one by one; here a pod is picked as one endpoint`;
    problems.push({ severity: "warning", reason: "NotModelled", ...spec.at("targetPorts").place, message });
  }
  if (name === undefined || problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
  const reading: PoolReading = {
    ref: refOf(manifest),
    selector: known(labels, selector.from),
    ports: ports.flatMap((one) => (isOld ? one : one.at("number")).whole() ?? []),
    picker: known({ kind, name: name.value }, name.from),
  };
  return good(reading, problems);
};
