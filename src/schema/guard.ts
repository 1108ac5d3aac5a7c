const MAX_DEPTH = 64;
const MAX_NODES = 200_000;
/** A little above what etcd takes (1.5 MiB), so that whatever a cluster holds passes. */
const MAX_CHARACTERS = 2 * 2 ** 20;

/**
 * @returns why `raw` is no object to look into at all: too deep, too big, of a key that means something else to
 * JavaScript, or not plain JSON; undefined if it may be looked into. Never throws, whatever it is handed.
 */
export const refusalOf = (
  raw: unknown,
): { readonly path: readonly (string | number)[]; readonly message: string } | undefined => {
  let nodes = 0;
  let characters = 0;
  const pending: { value: unknown; path: readonly (string | number)[] }[] = [{ value: raw, path: [] }];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    const { value, path } = entry;
    nodes += 1;
    if (nodes > MAX_NODES) return { path: [], message: `has more than ${MAX_NODES} values` };
    if (typeof value === "string") characters += value.length;
    if (characters > MAX_CHARACTERS) return { path: [], message: `has more than ${MAX_CHARACTERS} characters` };
    if (path.length > MAX_DEPTH) return { path: path.slice(0, 4), message: `is nested deeper than ${MAX_DEPTH}` };
    if (!isJson(value)) return { path, message: `is not plain JSON (${typeof value})` };
    if (typeof value !== "object" || value === null) continue;
    for (const key of Object.keys(value)) {
      characters += key.length;
      if (key === "__proto__") return { path: [...path, key], message: "is not allowed as a field name" };
      pending.push({
        value: (value as Record<string, unknown>)[key],
        path: [...path, Array.isArray(value) ? Number(key) : key],
      });
    }
  }
  return undefined;
};

const isJson = (value: unknown): boolean => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      return value === null || Array.isArray(value) || isPlain(value as object);
    default:
      return false;
  }
};

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};
