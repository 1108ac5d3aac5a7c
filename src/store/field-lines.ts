import { EVENT_ID, type Event, getScalarValue, parseEvents } from "js-yaml";
import { lineFinder, startOf } from "./yaml.ts";

/** A value of a YAML text: where it begins, and what is in it. */
interface Node {
  readonly line: number;
  readonly fields: ReadonlyMap<string, Node>;
  readonly items: readonly Node[];
}

/**
 * Says at which line of a manifest a field stands; of one that isn't there the nearest above it. The text is one that was
 * read before without errors.
 * @returns a function from the line where an object begins, and the path of a field in it (`spec.metrics[0].pods`), to a line,
 * all 1-based
 */
export const fieldLines = (text: string): ((objectLine: number, field: string) => number) => {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const roots = treesOf(parseEvents(source, { maxDepth: 64 }), source);
  const objects = new Map(
    roots.flatMap((root) => [root, ...(root.fields.get("items")?.items ?? [])]).map((node) => [node.line, node]),
  );
  return (objectLine, field) => {
    const root = objects.get(objectLine);
    return root === undefined ? objectLine : lineOf(root, stepsOf(field));
  };
};

const lineOf = (root: Node, steps: readonly (string | number)[]): number => {
  let node = root;
  for (const step of steps) {
    const next = typeof step === "number" ? node.items[step] : node.fields.get(step);
    if (next === undefined) break;
    node = next;
  }
  return node.line;
};

/** `spec.metrics[0]["a.b"]` in steps. */
const stepsOf = (field: string): readonly (string | number)[] =>
  [...field.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map(([, index, quoted, name]) =>
    index === undefined ? (quoted ?? name ?? "") : Number(index),
  );

const treesOf = (events: readonly Event[], source: string): readonly Node[] => {
  const line = lineFinder(source);
  let at = 0;
  const value = (keyLine?: number): Node => {
    const event = events[at] as Event;
    at += 1;
    if (event.type === EVENT_ID.MAPPING) return mapping(keyLine ?? line(startOf(event)));
    if (event.type === EVENT_ID.SEQUENCE) return sequence(keyLine ?? line(startOf(event)));
    const isPlace = event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.ALIAS;
    return { line: keyLine ?? (isPlace ? line(startOf(event)) : 1), fields: new Map(), items: [] };
  };
  const isOpen = (): boolean => at < events.length && events[at]?.type !== EVENT_ID.POP;
  const mapping = (own: number): Node => {
    const fields = new Map<string, Node>();
    while (isOpen()) {
      const key = events[at] as Event;
      const name = key.type === EVENT_ID.SCALAR ? getScalarValue(source, key) : "";
      const keyLine = value().line;
      if (isOpen()) fields.set(name, value(keyLine));
    }
    at += 1;
    return { line: own, fields, items: [] };
  };
  const sequence = (own: number): Node => {
    const items: Node[] = [];
    while (isOpen()) items.push(value());
    at += 1;
    return { line: own, fields: new Map(), items };
  };
  const roots: Node[] = [];
  while (at < events.length) {
    const isDocument = events[at]?.type === EVENT_ID.DOCUMENT;
    at += 1;
    if (!isDocument) continue;
    while (isOpen()) roots.push(value());
    at += 1;
  }
  return roots;
};
