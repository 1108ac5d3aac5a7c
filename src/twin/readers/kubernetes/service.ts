import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type ServiceReading, serviceReader } from "../../reader.ts";
import { portOf } from "../prometheus/monitor.ts";

/** Reads a core/v1 Service: which pods stand behind it (Kubernetes v1.36). One without a selector has none of its own. */
export const service = serviceReader({
  kind: "Service",
  group: "",
  summary: "a Service, whose kube-proxy picks a ready pod at random for each connection",
  read: (manifest) => readService(manifest),
});

const readService = (manifest: Manifest): Result<ServiceReading> => {
  const problems: Problem[] = [];
  const root = Field.root(manifest, problems);
  const selector = root.at("spec", "selector");
  const reading = {
    ref: refOf(manifest),
    labels: root.at("metadata", "labels").texts(),
    selector: { value: selector.texts(), from: selector.from },
    ports: root
      .at("spec", "ports")
      .items()
      .flatMap((port) => {
        const number = port.at("port").whole()?.value;
        const target = portOf(port.at("targetPort")) ?? number;
        return target === undefined ? [] : [{ name: port.at("name").text()?.value ?? "", target }];
      }),
  };
  return problems.length === 0 ? good(reading) : { ok: false, problems };
};
