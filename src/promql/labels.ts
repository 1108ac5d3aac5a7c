import { compareText } from "../model/compare-text.ts";
/** The metric's name is a label like any other. */
export const METRIC_NAME = "__name__";
export const BUCKET_LABEL = "le";

/** What goes when a function makes something new of a series. Source: schema.IsMetadataLabel, Prometheus 3. */
const METADATA: ReadonlySet<string> = new Set([METRIC_NAME, "__type__", "__unit__"]);

/**
 * A set of labels, sorted by name; an empty value is no label. Two sets are the same if their keys are. A store interns the
 * sets of its series, and every step keeps the sets that it makes of them, so that most comparisons are of references.
 */
export class Labels {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** Tells sets apart: names and values with their lengths. */
  readonly key: string;
  #bare: Labels | undefined;
  #record: Readonly<Record<string, string>> | undefined;

  /** @param sorted by name, without empty values and doubles */
  private constructor(sorted: readonly (readonly [string, string])[]) {
    this.names = sorted.map(([name]) => name);
    this.values = sorted.map(([, value]) => value);
    this.key = sorted.map(([name, value]) => `${name.length}:${name}${value.length}:${value}`).join("");
  }

  static of(labels: Readonly<Record<string, string>>): Labels {
    return Labels.#from(Object.entries(labels));
  }

  static #from(pairs: readonly (readonly [string, string])[]): Labels {
    const kept = pairs.filter(([, value]) => value !== "");
    return kept.length === 0 ? NONE : new Labels([...kept].sort(([a], [b]) => compareText(a, b)));
  }

  static readonly none: Labels = new Labels([]);

  get size(): number {
    return this.names.length;
  }

  /** @returns "" for a label that is not there */
  get(name: string): string {
    const { names } = this;
    for (let i = 0; i < names.length; i += 1) if (names[i] === name) return this.values[i] as string;
    return "";
  }

  get name(): string {
    return this.get(METRIC_NAME);
  }

  pairs(): (readonly [string, string])[] {
    return this.names.map((name, i) => [name, this.values[i] as string] as const);
  }

  /** The same object each time. */
  record(): Readonly<Record<string, string>> {
    this.#record ??= Object.fromEntries(this.pairs());
    return this.#record;
  }

  keep(wanted: readonly string[]): Labels {
    return Labels.#from(this.pairs().filter(([name]) => wanted.includes(name)));
  }

  drop(unwanted: readonly string[]): Labels {
    return Labels.#from(this.pairs().filter(([name]) => !unwanted.includes(name)));
  }

  /** @param value "" takes the label away */
  with(name: string, value: string): Labels {
    return Labels.#from([...this.pairs().filter(([other]) => other !== name), [name, value]]);
  }

  /** Without name, type and unit of the metric. */
  withoutMetadata(): Labels {
    if (this.#bare === undefined) {
      const left = this.pairs().filter(([name]) => !METADATA.has(name));
      this.#bare = left.length === this.size ? this : Labels.#from(left);
    }
    return this.#bare;
  }

  /** `name{label="value"}`, as Prometheus prints it. */
  toString(): string {
    const pairs = this.pairs().filter(([name]) => name !== METRIC_NAME);
    const inside = pairs.map(([name, value]) => `${spelled(name)}=${JSON.stringify(value)}`).join(", ");
    return inside === "" && this.name !== "" ? this.name : `${this.name}{${inside}}`;
  }
}

const NONE = Labels.none;

const spelled = (name: string): string => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name));

/** Names first, then values, label by label. Source: labels.Compare, Prometheus 3. */
export const compareLabels = (a: Labels, b: Labels): number => {
  const shared = Math.min(a.size, b.size);
  for (let i = 0; i < shared; i += 1) {
    const byName = compareText(a.names[i] as string, b.names[i] as string);
    if (byName !== 0) return byName;
    const byValue = compareText(a.values[i] as string, b.values[i] as string);
    if (byValue !== 0) return byValue;
  }
  return a.size - b.size;
};
