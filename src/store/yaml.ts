import {
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from "js-yaml";
import { KUBECTL_SCHEMA } from "../schema/kubectl-yaml.ts";
import { doubtAbout } from "./yaml-readings.ts";

export interface YamlDocument {
  /** Plain JSON. */
  readonly value: unknown;
  /** Where its first value stands, 1-based. */
  readonly line: number;
  /** Where each item of a root's `items` stands. */
  readonly itemLines: readonly number[];
}

export interface YamlDoubt {
  readonly line: number;
  readonly message: string;
  readonly fix: string;
}

export interface YamlText {
  /** Without the empty ones. */
  readonly documents: readonly YamlDocument[];
  /** Words that other tools read in another way, at most 20. */
  readonly doubts: readonly YamlDoubt[];
}

/** A text that is no YAML, or one that is refused. `line` is 1-based. */
export class YamlError extends Error {
  readonly line: number | undefined;
  constructor(message: string, line?: number) {
    super(message);
    this.name = "YamlError";
    this.line = line;
  }
}

const MAX_DEPTH = 64;
/** With aliases followed. What a cluster would take has far fewer: etcd stores at most 1.5 MiB. */
const MAX_VALUES = 1_000_000;
const MOST_DOUBTS = 20;

/**
 * Reads all documents of a YAML or JSON text as kubectl reads them.
 * @throws YamlError if it is malformed, has a key twice, nests deeper than 64, or unfolds to more than a million values
 */
export const readYaml = (text: string): YamlText => {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    const events = parseEvents(source, { maxDepth: MAX_DEPTH });
    const values = constructFromEvents(events, { source, schema: KUBECTL_SCHEMA });
    const lineOf = lineFinder(source);
    const places = placesOf(events, source);
    const documents = values.flatMap((value, i): YamlDocument[] => {
      const place = places[i];
      if (value === null || value === undefined || place === undefined) return [];
      const line = lineOf(place.start);
      checkSize(value, line);
      return [{ value, line, itemLines: place.items.map(lineOf) }];
    });
    return { documents, doubts: doubtsIn(events, source, lineOf) };
  } catch (error) {
    if (error instanceof YamlError) throw error;
    if (error instanceof YAMLException) throw new YamlError(error.reason, error.mark && error.mark.line + 1);
    throw new YamlError((error as Error).message);
  }
};

/** Offsets to 1-based lines. */
export const lineFinder = (source: string): ((offset: number) => number) => {
  const starts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
};

interface Place {
  start: number;
  readonly items: number[];
}

interface Frame {
  /** The nodes in it so far: of a mapping keys and values in turn. */
  nodes: number;
  readonly isDocument: boolean;
  readonly isRoot: boolean;
  /** It is the root's `items`. */
  readonly isItems: boolean;
  lastKey: string;
}

/** Where documents and the items of Lists begin; js-yaml's values don't say. */
const placesOf = (events: readonly Event[], source: string): Place[] => {
  const places: Place[] = [];
  const open: Frame[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    if (event.type === EVENT_ID.DOCUMENT) {
      places.push({ start: 0, items: [] });
      open.push({ nodes: 0, isDocument: true, isRoot: false, isItems: false, lastKey: "" });
      continue;
    }
    const parent = open.at(-1);
    const place = places.at(-1);
    if (parent === undefined || place === undefined) continue;
    if (parent.isDocument) place.start = startOf(event);
    if (parent.isItems) place.items.push(startOf(event));
    const isValue = parent.nodes % 2 === 1;
    if (parent.isRoot && !isValue) parent.lastKey = event.type === EVENT_ID.SCALAR ? getScalarValue(source, event) : "";
    parent.nodes += 1;
    if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) {
      const isSequence = event.type === EVENT_ID.SEQUENCE;
      const isItems = isSequence && parent.isRoot && isValue && parent.lastKey === "items";
      open.push({ nodes: 0, isDocument: false, isRoot: parent.isDocument && !isSequence, isItems, lastKey: "" });
    }
  }
  return places;
};

export const startOf = (event: Exclude<Event, { type: typeof EVENT_ID.POP | typeof EVENT_ID.DOCUMENT }>): number => {
  switch (event.type) {
    case EVENT_ID.SCALAR:
      return Math.max(0, event.valueStart);
    case EVENT_ID.ALIAS:
      return event.anchorStart;
    default:
      return event.start;
  }
};

const doubtsIn = (events: readonly Event[], source: string, lineOf: (offset: number) => number): YamlDoubt[] => {
  const doubts: YamlDoubt[] = [];
  for (const event of events) {
    if (
      event.type !== EVENT_ID.SCALAR ||
      event.style !== SCALAR_STYLE.PLAIN ||
      event.tagStart >= 0 ||
      event.valueStart < 0
    )
      continue;
    const doubt = doubtAbout(source.slice(event.valueStart, event.valueEnd));
    if (doubt !== undefined && doubts.push({ line: lineOf(event.valueStart), ...doubt }) === MOST_DOUBTS) break;
  }
  return doubts;
};

/**
 * Aliases are the same object many times, so a few lines can unfold to billions of values ("a billion laughs") or to endless
 * depth: sizes and heights are added up per object, each looked at once.
 */
const checkSize = (root: unknown, line: number): void => {
  const known = new Map<object, Extent>();
  const inside = new Set<object>();
  const refuse = (why: string): never => {
    throw new YamlError(why, line);
  };
  const extentOf = (value: unknown): Extent => {
    if (typeof value === "number" && !Number.isFinite(value)) refuse(`${value} is no number that JSON has`);
    if (typeof value !== "object" || value === null) return { size: 1, height: 0 };
    if (inside.has(value)) refuse("an alias leads back into what it stands in");
    const before = known.get(value);
    if (before !== undefined) return before;
    inside.add(value);
    let [size, height] = [1, 0];
    for (const part of Object.values(value)) {
      const extent = extentOf(part);
      size += extent.size;
      height = Math.max(height, extent.height + 1);
    }
    inside.delete(value);
    if (size > MAX_VALUES) refuse(`unfolds to more than ${MAX_VALUES} values`);
    if (height > MAX_DEPTH) refuse(`nested deeper than ${MAX_DEPTH}`);
    known.set(value, { size, height });
    return { size, height };
  };
  extentOf(root);
};

interface Extent {
  readonly size: number;
  readonly height: number;
}
