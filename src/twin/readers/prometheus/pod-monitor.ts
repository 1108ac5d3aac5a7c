import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type MonitorReading, monitorReader } from "../../reader.ts";
import { textList } from "../kubernetes/label-selector.ts";
import { full, portOf, readEndpoint, readScope, tellUnread } from "./monitor.ts";
import { type MonitorPort, podSelection } from "./monitor-relabelings.ts";

/** Reads a monitoring.coreos.com/v1 PodMonitor: a scrape job for each of its endpoints (prometheus-operator v0.93). */
export const podMonitor = monitorReader({
  kind: "PodMonitor",
  group: "monitoring.coreos.com",
  summary: "a PodMonitor, by which a Prometheus scrapes the pods that it selects",
  read: (manifest) => readPodMonitor(manifest),
});

const readPodMonitor = (manifest: Manifest): Result<MonitorReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const ref = refOf(manifest);
  const scope = readScope(manifest, spec);
  const podTargetLabels = textList(spec.at("podTargetLabels"));
  const jobLabel = full(spec.at("jobLabel")) ?? "";
  const endpoints = spec
    .at("podMetricsEndpoints")
    .items()
    .map((field, index) => {
      const said = { selector: scope.selector, port: readPort(field), podTargetLabels, jobLabel };
      const job = { name: `podMonitor/${ref.namespace}/${ref.name}/${index}`, role: "pod" as const, scope };
      return readEndpoint(field, spec, job, podSelection(ref, said), problems);
    });
  tellUnread(spec, problems);
  return problems.some(({ severity }) => severity === "error")
    ? { ok: false, problems }
    : good({ ref, scope, endpoints }, problems);
};

/** `port`, else `portNumber`, else the old `targetPort`, whose word is the label `endpoint` even beside a number. */
const readPort = (field: Field): MonitorPort | undefined => {
  const name = full(field.at("port"));
  if (name !== undefined) return { of: "container", name, endpoint: name };
  const old = portOf(field.at("targetPort"));
  const endpoint = old === undefined ? {} : { endpoint: String(old) };
  const number = field.at("portNumber").whole()?.value ?? 0;
  if (number !== 0) return { of: "container", number, ...endpoint };
  if (old === undefined || old === 0) return undefined;
  return { of: "container", ...(typeof old === "number" ? { number: old } : { name: old }), ...endpoint };
};
