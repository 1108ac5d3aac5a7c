/** What a template can be filled with. */
export type TemplateValue = string | readonly string[] | Readonly<Record<string, string>>;
export type TemplateValues = Readonly<Record<string, TemplateValue>>;

type Shape = "text" | "list" | "map";

type Piece =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "entry"; readonly name: string; readonly key: string | number; readonly absent: string };

export type ParsedTemplate =
  | { readonly ok: true; readonly template: QueryTemplate }
  | { readonly ok: false; readonly message: string };

/** A part of Go's text/template between `<<` and `>>`: values as they are, and entries of maps and lists. */
export class QueryTemplate {
  readonly #pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** @returns undefined where an entry of a list is asked for that is not there: executing the template fails */
  render(values: TemplateValues): string | undefined {
    let out = "";
    for (const piece of this.#pieces) {
      const text = textOf(piece, values);
      if (text === undefined) return undefined;
      out += text;
    }
    return out;
  }
}

const textOf = (piece: Piece, values: TemplateValues): string | undefined => {
  switch (piece.kind) {
    case "literal":
      return piece.text;
    case "field":
      return printed(values[piece.name] ?? "");
    case "entry": {
      const value = values[piece.name];
      if (Array.isArray(value)) return value[Number(piece.key)];
      return (value as Readonly<Record<string, string>>)[piece.key] ?? piece.absent;
    }
    default:
      return piece satisfies never;
  }
};

/** As Go's fmt prints them: `[a b]`, `map[a:1 b:2]` by key. */
const printed = (value: TemplateValue): string => {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.join(" ")}]`;
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, text]) => `${key}:${text}`).join(" ")}]`;
};

const ACTION = /<<(- )?((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|(?!>>)[^"`])*?)(\s-)?>>/gs;
const FIELD = /^\.(\w+)(?:\.(\w+))?$/;
const INDEX = /^index\s+\.(\w+)\s+(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(\d+))$/;

/**
 * Reads a template of an adapter's rule. Of text/template it takes `<<.Field>>`, `<<.Map.key>>`, `<<index .Map "key">>`,
 * `<<index .List 0>>`, comments and trim markers; anything else is refused by its name.
 *
 * @param shapes the fields that there are
 * Source: prometheus-adapter v0.12.0, pkg/naming/metrics_query.go and lbl_res.go (delimiters, fields); text/template of Go 1.22.
 */
export const parseTemplate = (text: string, shapes: Readonly<Record<string, Shape>>): ParsedTemplate => {
  const pieces: Piece[] = [];
  let literalFrom = 0;
  let trimNext = false;
  const literal = (to: number, trimEnd: boolean): void => {
    let between = text.slice(literalFrom, to);
    if (trimNext) between = between.trimStart();
    if (trimEnd) between = between.trimEnd();
    if (between !== "") pieces.push({ kind: "literal", text: between });
  };
  for (const match of text.matchAll(ACTION)) {
    const [whole, trimBefore, inside = "", trimAfter] = match;
    if (text.slice(literalFrom, match.index).includes("<<")) break;
    literal(match.index, trimBefore !== undefined);
    literalFrom = match.index + whole.length;
    trimNext = trimAfter !== undefined;
    const piece = pieceOf(inside, shapes);
    if (typeof piece === "string") return { ok: false, message: piece };
    if (piece !== undefined) pieces.push(piece);
  }
  if (text.slice(literalFrom).includes("<<")) {
    const rest = text.slice(text.indexOf("<<", literalFrom));
    return { ok: false, message: `the action ${JSON.stringify(rest.slice(0, 40))} is not closed by >>` };
  }
  literal(text.length, false);
  return { ok: true, template: new QueryTemplate(pieces) };
};

/** @returns undefined for a comment, a text for what is wrong */
const pieceOf = (inside: string, shapes: Readonly<Record<string, Shape>>): Piece | string | undefined => {
  if (/^\/\*.*\*\/$/s.test(inside)) return undefined;
  const action = inside.trim();
  const field = FIELD.exec(action);
  const index = INDEX.exec(action);
  const name = field?.[1] ?? index?.[1];
  if (name === undefined)
    return `<<${inside}>>: ${constructOf(action)} of Go templates is not modelled; ${offered(shapes)}`;
  const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
  if (shape === undefined) return `<<${inside}>>: there is no field .${name}; ${offered(shapes)}`;
  if (field !== null) {
    const [, , key] = field;
    if (key === undefined) return { kind: "field", name };
    return shape === "map"
      ? { kind: "entry", name, key, absent: "<no value>" }
      : `<<${inside}>>: .${name} has no fields`;
  }
  const [, , quoted, raw, number] = index as RegExpExecArray;
  if (shape === "map" && number === undefined) {
    return {
      kind: "entry",
      name,
      key: quoted === undefined ? (raw as string) : (JSON.parse(quoted) as string),
      absent: "",
    };
  }
  if (shape === "list" && number !== undefined) return { kind: "entry", name, key: Number(number), absent: "" };
  return `<<${inside}>>: index takes a map and a text, or a list and a number`;
};

const constructOf = (action: string): string => {
  const word = /^[A-Za-z]+/.exec(action)?.[0];
  if (action.includes("|")) return "a pipeline";
  return word ?? JSON.stringify(action);
};

const offered = (shapes: Readonly<Record<string, Shape>>): string =>
  `there are ${Object.keys(shapes)
    .map((name) => `.${name}`)
    .join(", ")}`;
