import fc from "fast-check";

/** Changes of manifests that nobody would make on purpose: each at a place that is drawn, whatever the document is. */
export interface Mutation {
  /** Which of the document's places, counted through; modulo their number. */
  readonly place: number;
  readonly kind: "replace" | "delete" | "copy" | "rename" | "wrap" | "repeat";
  /** What is put there, or for `copy` which place is copied. */
  readonly value: unknown;
}

/** What people, templates and attackers put where something else belongs. */
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e-9,
  1e308,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  "",
  " ",
  "0",
  "-1",
  "1e999",
  "NaN",
  "null",
  "5m",
  "10Gi",
  "100%",
  "a\nb",
  "é\u0000",
  "../../etc/passwd",
  "$(X)",
  "${X:-",
  "'",
  "{{ .Values.x }}",
  "__proto__",
  "constructor",
  "(a+)+$",
  "x".repeat(5000),
  [],
  {},
  [[]],
  [null],
  [{}],
  { "": "" },
  { constructor: { prototype: { polluted: true } } },
];

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  place: fc.nat(),
  kind: fc.constantFrom("replace", "replace", "replace", "delete", "copy", "rename", "wrap", "repeat"),
  value: fc.oneof(fc.constantFrom(...ODD), fc.nat(), fc.jsonValue({ maxDepth: 2 })),
});

type Place = { readonly parent: Record<string, unknown> | unknown[]; readonly key: string };

const placesIn = (value: unknown, found: Place[] = []): Place[] => {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push({ parent: value as Record<string, unknown>, key });
    placesIn((value as Record<string, unknown>)[key], found);
  }
  return found;
};

const put = ({ parent, key }: Place, value: unknown): void => {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
};

/** @returns a changed copy; the documents stay as they are */
export const mutated = (documents: readonly unknown[], mutations: readonly Mutation[]): unknown[] => {
  const copy = structuredClone(documents) as unknown[];
  for (const { place, kind, value } of mutations) {
    const places = placesIn(copy);
    const at = places[place % Math.max(1, places.length)];
    if (at === undefined) continue;
    const there = (at.parent as Record<string, unknown>)[at.key];
    if (kind === "delete") {
      if (Array.isArray(at.parent)) at.parent.splice(Number(at.key), 1);
      else Reflect.deleteProperty(at.parent, at.key);
    } else if (kind === "copy") {
      const other = places[(place >>> 8) % places.length] as Place;
      put(at, structuredClone((other.parent as Record<string, unknown>)[other.key]));
    } else if (kind === "rename" && !Array.isArray(at.parent)) {
      Reflect.deleteProperty(at.parent, at.key);
      put({ parent: at.parent, key: typeof value === "string" ? value : `${at.key}s` }, there);
    } else if (kind === "wrap") {
      put(at, place % 2 === 0 ? [there] : { value: there });
    } else if (kind === "repeat" && Array.isArray(there)) {
      put(at, Array.from({ length: 20 }, () => structuredClone(there)).flat());
    } else {
      put(at, structuredClone(value));
    }
  }
  return copy;
};
