import { type Known, known, type Source } from "../model/known.ts";
import { isMapping } from "../model/mapping.ts";
import { objectText } from "../model/object-text.ts";
import type { Problem } from "../model/problem.ts";
import { type Manifest, refOf } from "./manifest.ts";

/**
 * A place inside a mirrored object, and what stands there. A value of the wrong type is told as a problem and reads as
 * absent; an absent one is no problem here.
 */
export class Field {
  /** `Kind/namespace/name`. */
  readonly object: string;
  /** `spec.template.spec.containers[0]`; empty at the root. */
  readonly path: string;
  readonly raw: unknown;
  readonly #problems: Problem[];
  readonly #origin: Origin;

  private constructor(object: string, path: string, raw: unknown, problems: Problem[], origin: Origin = "field") {
    this.object = object;
    this.path = path;
    this.raw = raw;
    this.#problems = problems;
    this.#origin = origin;
  }

  /** @param problems where wrong types are told */
  static root(manifest: Manifest, problems: Problem[]): Field {
    return new Field(objectText(refOf(manifest)), "", manifest, problems);
  }

  /** What a text inside an object says once it is read: its fields go on from the text's own. */
  static inside(
    { object, path }: Pick<Field, "object" | "path">,
    raw: unknown,
    problems: Problem[],
    origin: Origin = "field",
  ): Field {
    return new Field(object, path, raw, problems, origin);
  }

  at(...keys: readonly (string | number)[]): Field {
    let raw = this.raw;
    let path = this.path;
    for (const key of keys) {
      raw = isObject(raw) ? (raw as Record<string | number, unknown>)[key] : undefined;
      path += step(key, path === "");
    }
    return new Field(this.object, path, raw, this.#problems, this.#origin);
  }

  get from(): Source {
    if (this.#origin === "override") return { kind: "override", field: this.path };
    if (this.#origin === "field") return { kind: "field", object: this.object, field: this.path };
    return this.#origin;
  }

  /** Where problems about it are placed. */
  get place(): Pick<Problem, "object" | "field"> {
    return { object: this.object, field: this.path };
  }

  get present(): boolean {
    return this.raw !== undefined && this.raw !== null;
  }

  text(): Known<string> | undefined {
    if (!this.present) return undefined;
    if (typeof this.raw === "string") return known(this.raw, this.from);
    return this.#wrong("text", typeof this.raw === "object" ? undefined : `quote it: "${String(this.raw)}"`);
  }

  /** A whole number, at least 0. */
  whole(): Known<number> | undefined {
    if (!this.present) return undefined;
    if (typeof this.raw === "number" && Number.isSafeInteger(this.raw) && this.raw >= 0)
      return known(this.raw, this.from);
    return this.#wrong("a whole number >= 0");
  }

  /** A whole number of either sign. */
  integer(): Known<number> | undefined {
    if (!this.present) return undefined;
    if (Number.isSafeInteger(this.raw)) return known(this.raw as number, this.from);
    return this.#wrong("a whole number");
  }

  number(): Known<number> | undefined {
    if (!this.present) return undefined;
    if (typeof this.raw === "number" && Number.isFinite(this.raw)) return known(this.raw, this.from);
    return this.#wrong("a number");
  }

  truth(): Known<boolean> | undefined {
    if (!this.present) return undefined;
    if (typeof this.raw === "boolean") return known(this.raw, this.from);
    return this.#wrong("true or false");
  }

  /** A map of texts, as labels are. */
  texts(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.entries().flatMap(([key, field]) => {
        const text = field.text();
        return text === undefined ? [] : [[key, text.value]];
      }),
    );
  }

  items(): readonly Field[] {
    if (!this.present) return [];
    if (Array.isArray(this.raw)) return this.raw.map((_, index) => this.at(index));
    this.#wrong("a list");
    return [];
  }

  /** Fields of an object, in order. */
  entries(): readonly (readonly [string, Field])[] {
    if (!this.present) return [];
    if (isMapping(this.raw)) {
      return Object.keys(this.raw).map((key) => [key, this.at(key)] as const);
    }
    this.#wrong("an object");
    return [];
  }

  #wrong(wanted: string, fix?: string): undefined {
    this.#problems.push({
      severity: "error",
      reason: "Malformed",
      object: this.object,
      field: this.path,
      message: `must be ${wanted}, not ${shown(this.raw)}`,
      ...(fix === undefined ? {} : { fix }),
    });
  }
}

/** Whose word a value is: a field of a mirrored object, the simulation's own, or, where nobody said it, whatever is given here. */
export type Origin = "field" | "override" | Source;

const isObject = (raw: unknown): raw is object => typeof raw === "object" && raw !== null;

const step = (key: string | number, first: boolean): string => {
  if (typeof key === "number") return `[${key}]`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `["${key}"]`;
  return first ? key : `.${key}`;
};

const shown = (raw: unknown): string => {
  const text = JSON.stringify(raw) ?? String(raw);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};
