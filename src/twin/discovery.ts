import { objectText } from "../model/object-text.ts";
import { type Manifest, type ManifestRef, type ObservedCluster, refOf } from "./manifest.ts";
import { compositeReaders, poolReaders, workloadReaders } from "./readers/index.ts";
import { podLabelsOf } from "./readers/pod/pod-template-of.ts";
import { type RoleLabels, splitByRole } from "./role-groups.ts";
import { servingWorkloads } from "./serving.ts";

/** Workloads that are simulated together, since requests reach them by one way. */
export interface Discovery {
  readonly namespace: string;
  /** Of the simulation: the pool's, or the workload's. */
  readonly name: string;
  /** Each a workload, or an object whose controller makes workloads. */
  readonly workloads: readonly ManifestRef[];
  /** The InferencePool whose endpoint picker chooses among them; undefined: none selects them. */
  readonly pool: ManifestRef | undefined;
  /** Without a pool: some compute prompts for the others, and how their pods are told apart. */
  readonly roles?: RoleLabels;
}

/**
 * Inference deployments: objects whose controllers make such, and workloads with a container that runs a model server. Those
 * that another object owns are left to it; those behind one InferencePool belong together, and so do those of one model of which
 * some prefill and some decode, by their labels or by the role that their KV transfer has.
 *
 * @param namespace left out: all
 * @returns in order of namespace and name
 */
export const discover = (cluster: ObservedCluster, namespace?: string): readonly Discovery[] => {
  const composites = compositesIn(cluster, namespace);
  const workloads = unownedWorkloads(cluster, namespace);
  const pools = poolsOf(cluster, namespace);
  const pooled = pools.map((pool) => ({ pool, members: workloads.filter((one) => isSelected(one, pool, cluster)) }));
  const taken = new Set(pooled.flatMap(({ members }) => members));
  const split = splitByRole(
    workloads.filter((one) => !taken.has(one)),
    cluster,
  );
  for (const { members } of split) for (const one of members) taken.add(one);
  const found = [
    ...composites.map((one) => alone(one)),
    ...pooled.flatMap(({ pool, members }) =>
      members.length === 0
        ? []
        : [{ ...alone(members[0] as Manifest), name: pool.ref.name, workloads: members.map(refOf), pool: pool.ref }],
    ),
    ...split.map(({ members, roles }) => ({ ...alone(members[0] as Manifest), workloads: members.map(refOf), roles })),
    ...workloads.filter((one) => !taken.has(one)).map((one) => alone(one)),
  ];
  return named(found).toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
};

/** Objects whose controllers make workloads. */
export const compositesIn = (cluster: ObservedCluster, namespace?: string): readonly Manifest[] =>
  compositeReaders.flatMap(({ kind }) => cluster.list(kind, namespace));

/** Workloads that serve models and that no other object makes. */
export const unownedWorkloads = (cluster: ObservedCluster, namespace?: string): readonly Manifest[] =>
  servingWorkloads(cluster, namespace).filter((one) => !isOwned(one, cluster));

const textOf = ({ namespace, name }: Discovery): string => `${namespace} ${name}`;

const alone = (manifest: Manifest): Discovery => {
  const ref = refOf(manifest);
  return { namespace: ref.namespace, name: ref.name, workloads: [ref], pool: undefined };
};

const OWNERS = [...compositeReaders, ...workloadReaders].map(({ kind }) => kind as string);

/** By what its controller notes, or by a Rollout that takes its pods' template from it. */
const isOwned = (manifest: Manifest, cluster: ObservedCluster): boolean => {
  const ref = refOf(manifest);
  const { ownerReferences } = manifest.metadata as { readonly ownerReferences?: unknown };
  const owners = Array.isArray(ownerReferences)
    ? (ownerReferences as readonly { kind?: unknown; name?: unknown }[])
    : [];
  return (
    owners.some(
      (owner) =>
        OWNERS.includes(String(owner?.kind)) &&
        cluster.get(String(owner.kind), ref.namespace, String(owner.name)) !== undefined,
    ) ||
    cluster.list("Rollout", ref.namespace).some(({ spec }) => {
      const { workloadRef } = (spec ?? {}) as { readonly workloadRef?: { kind?: unknown; name?: unknown } };
      return workloadRef?.kind === ref.kind && workloadRef.name === ref.name;
    })
  );
};

interface FoundPool {
  readonly ref: ManifestRef;
  readonly selector: Readonly<Record<string, string>>;
}

const poolsOf = (cluster: ObservedCluster, namespace: string | undefined): readonly FoundPool[] =>
  poolReaders.flatMap((reader) =>
    cluster.list(reader.kind, namespace).flatMap((manifest): FoundPool[] => {
      const read = reader.read(manifest);
      return read.ok ? [{ ref: read.value.ref, selector: read.value.selector.value }] : [];
    }),
  );

const isSelected = (manifest: Manifest, { ref, selector }: FoundPool, cluster: ObservedCluster): boolean => {
  const labels = podLabelsOf(manifest, cluster);
  return (
    refOf(manifest).namespace === ref.namespace &&
    Object.entries(selector).every(([name, value]) => labels[name] === value)
  );
};

/** Two of one name are told apart by their kind. */
const named = (found: readonly Discovery[]): readonly Discovery[] =>
  found.map((one, i) => {
    const isFirst = found.findIndex((other) => textOf(other) === textOf(one)) === i;
    const kind = one.workloads[0]?.kind.toLowerCase() ?? "";
    return isFirst ? one : { ...one, name: `${one.name}-${kind}` };
  });

/** `Deployment/inference/a and Deployment/inference/b`. */
export const namesOf = (refs: readonly ManifestRef[]): string => refs.map(objectText).join(" and ");
