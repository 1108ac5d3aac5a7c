import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type MonitorReading, monitorReader } from "../../reader.ts";
import { textList } from "../kubernetes/label-selector.ts";
import { full, portOf, readEndpoint, readScope, tellUnread } from "./monitor.ts";
import { type MonitorPort, serviceSelection } from "./monitor-relabelings.ts";

/** Reads a monitoring.coreos.com/v1 ServiceMonitor: a scrape job for each of its endpoints (prometheus-operator v0.93). */
export const serviceMonitor = monitorReader({
  kind: "ServiceMonitor",
  group: "monitoring.coreos.com",
  summary: "a ServiceMonitor, by which a Prometheus scrapes the pods behind the Services that it selects",
  read: (manifest) => readServiceMonitor(manifest),
});

const readServiceMonitor = (manifest: Manifest): Result<MonitorReading> => {
  const problems: Problem[] = [];
  const spec = Field.root(manifest, problems).at("spec");
  const ref = refOf(manifest);
  const scope = readScope(manifest, spec);
  const said = {
    selector: scope.selector,
    targetLabels: textList(spec.at("targetLabels")),
    podTargetLabels: textList(spec.at("podTargetLabels")),
    jobLabel: full(spec.at("jobLabel")) ?? "",
  };
  const role = spec.at("serviceDiscoveryRole").text()?.value === "EndpointSlice" ? "endpointslice" : "endpoints";
  const endpoints = spec
    .at("endpoints")
    .items()
    .map((field, index) => {
      const job = { name: `serviceMonitor/${ref.namespace}/${ref.name}/${index}`, role, scope } as const;
      return readEndpoint(field, spec, job, serviceSelection(role, { ...said, port: readPort(field) }), problems);
    });
  tellUnread(spec, problems);
  return problems.some(({ severity }) => severity === "error")
    ? { ok: false, problems }
    : good({ ref, scope, endpoints }, problems);
};

const readPort = (field: Field): MonitorPort | undefined => {
  const name = full(field.at("port"));
  if (name !== undefined) return { of: "service", name, endpoint: name };
  const target = portOf(field.at("targetPort"));
  if (target === undefined || target === 0) return undefined;
  const endpoint = String(target);
  return { of: "container", ...(typeof target === "number" ? { number: target } : { name: target }), endpoint };
};
