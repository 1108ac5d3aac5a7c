/** A Kubernetes object as plain JSON: fields that we don't know are kept. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** The real objects as they are now; whoever holds a store hands them in. */
export interface ObservedCluster {
  get(kind: string, namespace: string, name: string): Manifest | undefined;
  /** In order of namespace and name. Without a namespace: of all, and those that have none (nodes). */
  list(kind: string, namespace?: string): readonly Manifest[];
}

export interface ManifestRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Kinds whose objects belong to no namespace. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set([
  "ClusterServingRuntime",
  "DeviceClass",
  "Node",
  "NodePool",
  "PriorityClass",
]);

/** The namespace of what has none is empty. */
export const refOf = ({ kind, metadata }: Manifest): ManifestRef => ({
  kind,
  namespace: metadata.namespace ?? (CLUSTER_WIDE.has(kind) ? "" : "default"),
  name: metadata.name,
});

/** `apps` of `apps/v1`; empty for the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] as string) : "";
