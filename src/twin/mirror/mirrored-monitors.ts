import type { Known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import type { Problem } from "../../model/problem.ts";
import { scrapedTarget } from "../../promql/index.ts";
import { Field } from "../field.ts";
import type { Ledger } from "../ledger.ts";
import { type Manifest, type ObservedCluster } from "../manifest.ts";
import type { MonitorEndpoint, MonitorScope, ServiceReading } from "../reader.ts";
import { monitorReaders, serviceReaders } from "../readers/index.ts";
import { selectorMatches } from "../readers/kubernetes/label-selector.ts";
import { readScope } from "../readers/prometheus/monitor.ts";
import type { JobScenario, JobTarget } from "../scenario.ts";
import { selects } from "./mirrored-router.ts";
import type { ContainerPorts } from "./pod-ports.ts";

/** Pods that are simulated and may be scraped. */
export interface ScrapedPods {
  readonly of: JobTarget["of"];
  readonly kind: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerPorts[];
  /** The one that shows metrics; undefined: any. */
  readonly container: string | undefined;
}

export interface MirroredJobs {
  readonly jobs: readonly JobScenario[];
  /** Of the first job that scrapes an engine, in seconds. */
  readonly interval: Known<number> | undefined;
}

/**
 * Scrape jobs of the PodMonitors and ServiceMonitors, in whatever namespace, that reach the pods. Which of them a Prometheus
 * selects, its own object says, which is not read: all are taken to be.
 */
export const mirrorJobs = (pods: readonly ScrapedPods[], cluster: ObservedCluster, ledger: Ledger): MirroredJobs => {
  const jobs: JobScenario[] = [];
  let interval: Known<number> | undefined;
  const services = new Services(pods, cluster);
  for (const reader of monitorReaders) {
    for (const manifest of cluster.list(reader.kind)) {
      const scope = readScope(manifest, Field.root(manifest, []).at("spec"));
      const reached = reader.kind === "PodMonitor" ? podsIn(scope, pods) : services.targetsIn(scope);
      if (reached.length === 0) continue;
      ledger.read(manifest);
      const read = reader.read(manifest);
      if (read.ok) ledger.problems.push(...read.warnings);
      else tellRefused(read.problems, "so nothing is scraped by it", ledger);
      for (const endpoint of read.ok ? read.value.endpoints : []) {
        const targets = targetsOf(endpoint, reached, pods, ledger);
        if (targets.length === 0) continue;
        const { name } = endpoint.job;
        ledger.use(`metrics.jobs[${name}].intervalSeconds`, endpoint.interval);
        tellDoubles(endpoint, targets, jobs, ledger);
        if (targets.some(({ of }) => of.role === "engine")) interval ??= endpoint.interval;
        for (const { service } of targets) if (service !== undefined) services.tellRead(service.name, targets, ledger);
        jobs.push({ job: endpoint.job, targets });
      }
    }
  }
  if (jobs.length > 0) tellUncovered(pods, jobs, ledger);
  return { jobs, interval };
};

/** What the operator refuses keeps a simulation from nothing: it is as if it weren't there. */
export const tellRefused = (problems: readonly Problem[], effect: string, ledger: Ledger): void => {
  for (const problem of problems) {
    const isError = problem.severity === "error";
    const message = isError
      ? `${problem.message}: prometheus-operator refuses the whole object, ${effect}`
      : problem.message;
    ledger.problems.push({ ...problem, severity: "warning", message });
  }
};

const podsIn = ({ namespaces, selector }: MonitorScope, pods: readonly ScrapedPods[]): readonly JobTarget[] =>
  pods
    .filter(({ namespace, labels }) => namespaces?.includes(namespace) !== false && selectorMatches(selector, labels))
    .flatMap((one) => one.containers.flatMap((container) => portsOf(one, container)));

const portsOf = (pods: ScrapedPods, { container, ports }: ContainerPorts): readonly JobTarget[] => {
  const target = targetAt(pods, container);
  return ports.length === 0 ? [target] : ports.map((port) => ({ ...target, port }));
};

const targetAt = ({ of, namespace, labels }: ScrapedPods, container: string): JobTarget => ({
  of,
  namespace,
  podLabels: labels,
  container,
});

/** What stands behind the Services that lead to the pods. */
class Services {
  readonly #found: readonly { manifest: Manifest; service: ServiceReading; pods: readonly ScrapedPods[] }[];

  constructor(pods: readonly ScrapedPods[], cluster: ObservedCluster) {
    const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
    this.#found = namespaces.flatMap((namespace) =>
      cluster.list("Service", namespace).flatMap((manifest) => {
        const read = serviceReaders[0].read(manifest);
        if (!read.ok) return [];
        const behind = pods.filter(
          (one) => one.namespace === namespace && selects(read.value.selector.value, one.labels),
        );
        return behind.length === 0 ? [] : [{ manifest, service: read.value, pods: behind }];
      }),
    );
  }

  targetsIn({ namespaces, selector }: MonitorScope): readonly JobTarget[] {
    return this.#found
      .filter(({ service: { ref, labels } }) => {
        return namespaces?.includes(ref.namespace) !== false && selectorMatches(selector, labels);
      })
      .flatMap(({ service, pods }) => pods.flatMap((one) => endpointsOf(service, one)));
  }

  tellRead(name: string, [first]: readonly JobTarget[], ledger: Ledger): void {
    const found = this.#found.find(({ service: { ref } }) => ref.name === name && ref.namespace === first?.namespace);
    if (found !== undefined) ledger.read(found.manifest);
  }
}

/** A target for each port of the Service, and for each other port of the pods. Source: endpoints.go, Prometheus 3.14. */
const endpointsOf = ({ ref, labels, ports }: ServiceReading, pods: ScrapedPods): readonly JobTarget[] => {
  const all = pods.containers.flatMap((container) => portsOf(pods, container));
  const service = { name: ref.name, labels };
  const own = ports.flatMap(({ name, target }): readonly JobTarget[] => {
    const found = all.find(({ port }) => port?.number === target || (port?.name !== undefined && port.name === target));
    if (found !== undefined) return [{ ...found, service: { ...service, portName: name } }];
    // A number that no container declares is a port all the same; a name that none has is none.
    if (typeof target === "string") return [];
    return [{ ...targetAt(pods, ""), port: { number: target }, service: { ...service, portName: name } }];
  });
  const seen = new Set(own.map(({ port }) => port?.number));
  const others = all.filter(({ port }) => port !== undefined && !seen.has(port.number));
  return own.length === 0 ? [] : [...own, ...others.map((one) => ({ ...one, service }))];
};

/** Those that the endpoint chooses by its port; relabelings of its own are for when the pods are there. */
const targetsOf = (
  { job, place }: MonitorEndpoint,
  reached: readonly JobTarget[],
  pods: readonly ScrapedPods[],
  ledger: Ledger,
): readonly JobTarget[] => {
  const chosen = reached.filter(
    (target) => scrapedTarget({ ...job, relabelings: [] }, { ...target, pod: "pod", podIp: "0.0.0.0" }) !== undefined,
  );
  if (chosen.length === 0) {
    const ports = [
      ...new Set(reached.flatMap(({ port, service }) => service?.portName || (port?.name ?? port?.number) || [])),
    ];
    ledger.warn({
      reason: "NothingScraped",
      ...place,
      message: `reaches the pods of ${namesOf(reached)}, but at none of their ports: nothing is scraped`,
      fix:
        ports.length === 0
          ? "declare a port at the container or the Service"
          : `name one of the ports ${ports.join(", ")}`,
    });
  }
  return chosen.filter((target) => {
    const { container } = pods.find(({ of }) => of.name === target.of.name && of.role === target.of.role) ?? {};
    if (container === undefined || target.container === "" || target.container === container) {
      if (target.port !== undefined) return true;
      const message = `scrapes container ${target.container} of ${target.of.name}, which declares no port: that fails, and gives no series`;
      ledger.warn({ reason: "NothingScraped", ...place, message, fix: "declare the port at the container" });
      return false;
    }
    const message = `scrapes container ${target.container} of ${target.of.name}, which is not simulated: it gives no series`;
    ledger.warn({ reason: "NotModelled", ...place, message });
    return false;
  });
};

const namesOf = (targets: readonly JobTarget[]): string => [...new Set(targets.map(({ of }) => of.name))].join(" and ");

const tellDoubles = (
  { job, place }: MonitorEndpoint,
  targets: readonly JobTarget[],
  jobs: readonly JobScenario[],
  ledger: Ledger,
): void => {
  const addressOf = (path: string, { of, port }: JobTarget): string => `${of.role}/${of.name}:${port?.number}${path}`;
  const before = new Map(
    jobs.flatMap((one) => one.targets.map((target) => [addressOf(one.job.path, target), one.job.name] as const)),
  );
  const told = new Set<string>();
  for (const target of targets) {
    const address = addressOf(job.path, target);
    const other = before.get(address);
    before.set(address, job.name);
    if (other === undefined || told.has(target.of.name)) continue;
    told.add(target.of.name);
    ledger.warn({
      reason: "ScrapedTwice",
      ...place,
      message: `scrapes the pods of ${target.of.name}, as ${other} does: all of their series are there twice, and sums count them twice`,
      fix: "keep one of the two",
    });
  }
};

const tellUncovered = (pods: readonly ScrapedPods[], jobs: readonly JobScenario[], ledger: Ledger): void => {
  for (const { of, kind, namespace } of pods) {
    if (jobs.some(({ targets }) => targets.some((target) => target.of.name === of.name && target.of.role === of.role)))
      continue;
    ledger.warn({
      reason: "NotMonitored",
      object: objectText({ kind, namespace, name: of.name }),
      message: "no monitor scrapes its pods, though others are: it is scraped as if there were no monitors",
      fix: "let a PodMonitor or ServiceMonitor select it",
    });
  }
};
