import { isMapping } from "../../model/mapping.ts";
import { objectText } from "../../model/object-text.ts";
import { nearest } from "../../schema/nearest.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { Ledger } from "../ledger.ts";
import { groupOf, type Manifest, type ManifestRef, type ObservedCluster, refOf } from "../manifest.ts";
import type { EndpointPickerReading, PoolReading, Reader, ServiceReading } from "../reader.ts";
import { runsEndpointPicker } from "../readers/endpoint-picker/endpoint-picker.ts";
import { pickerReaders, poolReaders, serviceReaders, workloadReaders } from "../readers/index.ts";
import { podLabelsOf } from "../readers/pod/pod-template-of.ts";

/** What stands before the workloads. */
export type Router =
  | { readonly kind: "InferencePool"; readonly pool: PoolReading }
  | { readonly kind: "Service"; readonly service: ServiceReading }
  | { readonly kind: "none" };

interface Labelled {
  readonly ref: ManifestRef;
  readonly labels: Readonly<Record<string, string>>;
}

const NONE: Router = { kind: "none" };

/**
 * The InferencePool or Service that the simulation names, or whose selector matches the pods of its workloads: a pool before a
 * Service. One that is named and isn't there, or selects other pods, is an error.
 */
export const findRouter = (
  { metadata, spec }: InferenceSimulation,
  cluster: ObservedCluster,
  ledger: Ledger,
): Router => {
  const { namespace } = metadata;
  const workloads = labelled(spec.mirror.workloads, namespace, cluster);
  const said = spec.mirror.router;
  if (said?.name !== undefined) return named(said.kind, said.name, namespace, workloads, cluster, ledger);
  const pools = said?.kind === "Service" ? [] : selecting("InferencePool", workloads, namespace, cluster);
  const [pool, other] = pools;
  if (pool !== undefined && other !== undefined) {
    ledger.error({
      reason: "TwoPools",
      field: "spec.mirror.router",
      message: `InferencePools ${pools.map((one) => one.metadata.name).join(" and ")} both select the workloads' pods`,
      fix: "name the one to simulate in spec.mirror.router.name",
    });
    return NONE;
  }
  if (pool !== undefined) return poolRouter(pool, workloads, cluster, ledger);
  if (said?.kind === "InferencePool") {
    ledger.error({
      reason: "RouterNotFound",
      field: "spec.mirror.router",
      message: `no InferencePool in namespace ${namespace} selects the pods of ${names(workloads)}`,
      fix: "create it, name it in spec.mirror.router.name, or leave spec.mirror.router out",
    });
    return NONE;
  }
  const [service] = selecting("Service", workloads, namespace, cluster);
  return service === undefined ? NONE : serviceRouter(service, ledger);
};

const named = (
  kind: "InferencePool" | "Service",
  name: string,
  namespace: string,
  workloads: readonly Labelled[],
  cluster: ObservedCluster,
  ledger: Ledger,
): Router => {
  const all = newestGroupFirst(cluster.list(kind, namespace));
  const found = all.find((one) => one.metadata.name === name);
  if (found === undefined) {
    const near = nearest(
      name,
      all.map((one) => one.metadata.name),
    );
    ledger.error({
      reason: "RouterNotFound",
      field: "spec.mirror.router.name",
      message: `${kind} ${name} does not exist in namespace ${namespace}${near === undefined ? "" : `; did you mean ${near}?`}`,
      fix: "name one that exists, or leave the name out to have it found by its selector",
    });
    return NONE;
  }
  if (kind === "InferencePool") return poolRouter(found, workloads, cluster, ledger);
  const router = serviceRouter(found, ledger);
  if (router.kind === "Service") refuseStrangers(router.service, workloads, ledger);
  return router;
};

const poolRouter = (
  manifest: Manifest,
  workloads: readonly Labelled[],
  cluster: ObservedCluster,
  ledger: Ledger,
): Router => {
  const pool = readWith(poolReaders[0], manifest, ledger);
  if (pool === undefined) return NONE;
  refuseStrangers(pool, workloads, ledger);
  tellOthers(pool, workloads, cluster, ledger);
  return { kind: "InferencePool", pool };
};

const serviceRouter = (manifest: Manifest, ledger: Ledger): Router => {
  const service = readWith(serviceReaders[0], manifest, ledger);
  return service === undefined ? NONE : { kind: "Service", service };
};

/** Every workload of the simulation stands behind the one router. */
const refuseStrangers = (
  { ref, selector }: Pick<PoolReading, "ref" | "selector">,
  workloads: readonly Labelled[],
  ledger: Ledger,
): void => {
  for (const workload of workloads) {
    if (selects(selector.value, workload.labels)) continue;
    ledger.error({
      reason: "NotSelected",
      object: objectText(ref),
      ...(selector.from.kind === "field" ? { field: selector.from.field } : {}),
      message: `does not select the pods of ${objectText(workload.ref)}: it would get no requests`,
      fix: "mirror the workloads of one pool only, or name another in spec.mirror.router",
    });
  }
};

/** Traffic that goes to pods which aren't simulated is taken by the others here. */
const tellOthers = (
  pool: PoolReading,
  workloads: readonly Labelled[],
  cluster: ObservedCluster,
  ledger: Ledger,
): void => {
  for (const { kind } of workloadReaders) {
    for (const manifest of cluster.list(kind, pool.ref.namespace)) {
      const ref = refOf(manifest);
      const isMirrored = workloads.some((one) => one.ref.kind === kind && one.ref.name === ref.name);
      if (isMirrored || !selects(pool.selector.value, podLabelsOf(manifest, cluster))) continue;
      ledger.warn({
        reason: "NotMirrored",
        object: objectText(pool.ref),
        field: pool.selector.from.kind === "field" ? pool.selector.from.field : "spec.selector",
        message: `also selects the pods of ${objectText(ref)}, which is not mirrored: the others get its share of the requests`,
        fix: "add it to spec.mirror.workloads",
      });
    }
  }
};

/**
 * The Deployment that picks for a pool: behind the Service that the pool names, or, where that can't be followed, with the
 * pool's name in its arguments. @returns undefined where there is none
 */
export const findPicker = (
  pool: PoolReading,
  cluster: ObservedCluster,
  ledger: Ledger,
): EndpointPickerReading | undefined => {
  const { namespace, name } = pool.ref;
  const candidates = cluster.list("Deployment", namespace).filter(runsEndpointPicker);
  const service = cluster.get("Service", namespace, pool.picker.value.name);
  const selector = service === undefined ? {} : (readSilently(serviceReaders[0], service)?.selector.value ?? {});
  const manifest =
    candidates.find((one) => selects(selector, podLabelsOf(one, cluster))) ??
    candidates.find((one) => readSilently(pickerReaders[0], one)?.pool?.value === name);
  if (manifest === undefined) return undefined;
  if (service !== undefined) ledger.read(service);
  return readWith(pickerReaders[0], manifest, ledger);
};

export const readWith = <Said>(reader: Reader<Said>, manifest: Manifest, ledger: Ledger): Said | undefined => {
  ledger.read(manifest);
  const read = reader.read(manifest);
  ledger.problems.push(...(read.ok ? read.warnings : read.problems));
  return read.ok ? read.value : undefined;
};

export const readSilently = <Said>(reader: Reader<Said>, manifest: Manifest): Said | undefined => {
  const read = reader.read(manifest);
  return read.ok ? read.value : undefined;
};

export const labelled = (
  said: InferenceSimulation["spec"]["mirror"]["workloads"],
  namespace: string,
  cluster: ObservedCluster,
): readonly Labelled[] =>
  said.flatMap(({ kind, name }) => {
    const manifest = cluster.get(kind, namespace, name);
    return manifest === undefined ? [] : [{ ref: refOf(manifest), labels: podLabelsOf(manifest, cluster) }];
  });

const names = (workloads: readonly Labelled[]): string =>
  workloads.map(({ ref }) => `${ref.kind} ${ref.name}`).join(" or ");

const selecting = (
  kind: "InferencePool" | "Service",
  workloads: readonly Labelled[],
  namespace: string,
  cluster: ObservedCluster,
): readonly Manifest[] => {
  const seen = new Set<string>();
  return newestGroupFirst(cluster.list(kind, namespace)).filter((manifest) => {
    const selector = selectorOf(manifest);
    if (seen.has(manifest.metadata.name) || !workloads.some(({ labels }) => selects(selector, labels))) return false;
    seen.add(manifest.metadata.name);
    return true;
  });
};

/** Told whether or not the rest of the object makes sense: one that selects the pods and can't be read is an error. */
export const selectorOf = ({ kind, spec }: Manifest): Readonly<Record<string, string>> => {
  const selector = (spec as { selector?: { matchLabels?: unknown } | null } | undefined)?.selector ?? {};
  const labels = kind === "Service" ? selector : (selector.matchLabels ?? selector);
  return isMapping(labels) ? (labels as Record<string, string>) : {};
};

/** While a pool moves from its old group to the new one, it is there in both; the new one counts. */
const newestGroupFirst = (manifests: readonly Manifest[]): readonly Manifest[] =>
  manifests.toSorted((a, b) => Number(isOld(a)) - Number(isOld(b)));

const isOld = ({ kind, apiVersion }: Manifest): boolean =>
  kind === "InferencePool" && groupOf(apiVersion) !== poolReaders[0].group;

/** An empty selector selects nobody. */
export const selects = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean => {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
};
