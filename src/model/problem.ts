/** Something a user or a cluster got wrong: where, what, and what would be right. */
export interface Problem {
  readonly severity: "error" | "warning";
  /** The object, `Kind/namespace/name`, or the file where there is no object yet. */
  readonly object?: string;
  /** Path of the field inside the object: `spec.template.spec.containers[0].args[3]`. */
  readonly field?: string;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** What is wrong. */
  readonly message: string;
  /** What would be right: a field to set, a value to choose. */
  readonly fix?: string;
  /** Stable CamelCase word for conditions and machines, such as `UnknownModel`. */
  readonly reason: string;
}

export type Result<T, E = readonly Problem[]> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: E };

export const good = <T>(value: T, warnings: readonly Problem[] = []): Result<T> => ({ ok: true, value, warnings });
export const bad = (...problems: readonly Problem[]): Result<never> => ({ ok: false, problems });

/** One line: `file:line: Kind/ns/name: field: message; fix`. */
export const describeProblem = (p: Problem): string => {
  const place = p.file === undefined ? undefined : p.line === undefined ? p.file : `${p.file}:${p.line}`;
  const where = [place, p.object, p.field].filter((part) => part !== undefined).join(": ");
  return `${where === "" ? "" : `${where}: `}${p.message}${p.fix === undefined ? "" : `; ${p.fix}`}`;
};
