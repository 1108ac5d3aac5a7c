/** `Kind/namespace/name`, as sources and problems name objects; `Kind/name` of what has no namespace, which is empty then. */
export const objectText = ({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string =>
  namespace === "" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
