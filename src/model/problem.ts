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

/** One line, but for the excerpt of a formula: `file:line: Kind/ns/name: field: message; fix`. What is quoted in it can't make it endless. */
export const describeProblem = (p: Problem): string => {
  const place = p.file === undefined ? undefined : p.line === undefined ? p.file : `${p.file}:${p.line}`;
  const where = [place, p.object, p.field].flatMap((part) => (part === undefined ? [] : [plain(part)])).join(": ");
  return `${where === "" ? "" : `${where}: `}${plain(p.message)}${p.fix === undefined ? "" : `; ${plain(p.fix)}`}`;
};

/** Of one part; the longest messages of ours, with their lists of names, have half of it. */
const MOST_CHARACTERS = 2000;

/**
 * Without control characters, which could move a terminal's cursor, and without line breaks, which could forge lines of a log;
 * only those before ` | ` stay, by which a message shows the place in a formula.
 */
const plain = (text: string): string => {
  const cut = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  return cut
    .replace(/\s*(?:\r|\u2028|\u2029|\n(?! \| ))\s*/g, " ")
    .replace(/[^\P{Cc}\n]/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
};

/** As a command prints it: `error: …` or `warning: …`. */
export const sayProblem = (problem: Problem): string => `${problem.severity}: ${describeProblem(problem)}`;
