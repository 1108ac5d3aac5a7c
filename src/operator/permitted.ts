/** Permits every namespace. */
export const ANY_NAMESPACE = "*";

/** Whether the installer lets simulations of all namespaces mirror what stands in this one. */
export const isPermitted = (namespace: string, permitted: readonly string[]): boolean =>
  permitted.includes(namespace) || permitted.includes(ANY_NAMESPACE);
