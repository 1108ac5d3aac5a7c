import { type Known, known } from "../../../model/known.ts";
import { isMapping, mappingOf } from "../../../model/mapping.ts";
import type { Problem } from "../../../model/problem.ts";
import { nearest } from "../../../schema/nearest.ts";
import type { Word } from "../pod/word.ts";
import type { Launch } from "../servers/server-program.ts";
import type { Flag, FlagTable, Takes, Value } from "./flag.ts";

/** Most values that are looked for behind one flag. */
const MOST_VALUES = 1000;
/** Of warnings and of errors: more of the same helps nobody. The nearest names are looked for a few times only, since that takes long. */
const MOST_PROBLEMS = 200;
const MOST_HINTS = 20;

/** The flags of one server's command, each with the field that says it. */
export class FlagParser {
  readonly values = new Map<string, Known<Value>>();
  readonly problems: Problem[] = [];
  readonly #object: string;
  readonly #table: FlagTable;
  #unknown = 0;
  #warnings = 0;
  #errors = 0;

  /** @param object `Kind/namespace/name`, that the fields are of */
  constructor(table: FlagTable, launch: Launch, object: string) {
    this.#object = object;
    this.#table = table;
    this.#parse(launch.words);
    if (launch.others > 0) {
      const message = `its script starts the server in ${launch.others + 1} places; the first is taken`;
      this.#warn("Ambiguous", { field: launch.words[0]?.home ?? "spec" }, message);
    }
  }

  /** Says of each flag that was given and is not modelled what becomes of it. @param known flags that are no news */
  tellUnmodelled(known: readonly string[] = []): void {
    for (const [name, { value, from }] of this.values) {
      const flag = this.#table.named(name);
      if (flag === undefined || flag.role === "modelled" || flag.role === "harmless" || value === false) continue;
      if (!known.includes(name)) this.#warn("NotModelled", from, this.#notModelled(flag));
    }
  }

  #notModelled({ name, role }: Flag): string {
    return role === "ignored-breaks"
      ? `--${name}: ${this.#table.breaks[name] ?? "not modelled; what is simulated is another system"}`
      : `--${name} changes performance and is not modelled yet; it is simulated as at its default`;
  }

  #json(name: string): Readonly<Record<string, unknown>> {
    const said = this.values.get(name)?.value;
    return typeof said === "string" ? (JSON.parse(said) as Record<string, unknown>) : {};
  }

  // ---- parsing, as Python's argparse does it, with the ways of vLLM's FlexibleArgumentParser

  #parse(words: readonly Word[]): void {
    let at = 0;
    while (at < words.length) {
      const word = words[at] as Word;
      at += 1;
      if (word.text === "--" || word.text === "") continue;
      if (!looksLikeFlag(word.text)) this.#positional(word);
      else at += this.#flag(word, words.slice(at, at + MOST_VALUES));
    }
  }

  /** @returns how many of the words behind it belong to it */
  #flag(word: Word, behind: readonly Word[]): number {
    const spelled = spellingOf(word);
    const found = this.#find(spelled.key, word);
    const { flag, negated, dotted } = found;
    if (flag === undefined) return spelled.value === undefined ? leadingValues(behind) : 0;
    if (flag.takes === "switch") return this.#switch(flag, negated, word, spelled.value, behind[0]);
    const most = flag.takes === "texts" ? Number.POSITIVE_INFINITY : 1;
    const given =
      spelled.value === undefined ? behind.slice(0, Math.min(most, leadingValues(behind))) : [spelled.value];
    if (given.length === 0) {
      this.#fail(word.field, `${spelled.key} needs a value`, `give one, as in ${spelled.key}=...`);
      return 0;
    }
    if (dotted) this.#dotted(flag, spelled.key, given[0] as Word);
    else this.#value(flag, spelled.key, given);
    return spelled.value === undefined ? given.length : 0;
  }

  /** A flag by its name, short name, name with underscores, `--no-` twin, unique beginning, or with a dotted path. */
  #find(key: string, word: Word): { flag: Flag | undefined; negated: boolean; dotted: boolean } {
    const { aliases, flags } = this.#table;
    const [plain = "", ...path] = key.split(".");
    const dotted = path.length > 0;
    const name = plain.replace(/^-+/, "").replaceAll("_", "-");
    const flag = this.#table.named(aliases[plain] ?? (plain.startsWith("--") ? aliases[name] : undefined) ?? name);
    if (flag !== undefined) return { flag, negated: false, dotted };
    const twin = name.startsWith("no-") ? this.#table.named(name.slice(3)) : undefined;
    if (twin?.takes === "switch") return { flag: twin, negated: true, dotted };
    // argparse takes a flag by any beginning that only it has.
    const begun = plain.startsWith("--") ? flags.filter((one) => one.name.startsWith(name)) : [];
    if (begun.length === 1) {
      this.#warn("AbbreviatedFlag", word, `${plain} is taken as --${begun[0]?.name}, which alone begins so`);
      return { flag: begun[0], negated: false, dotted };
    }
    this.#unknown += 1;
    const among = begun.length > 1 ? begun : flags;
    const near =
      this.#unknown > MOST_HINTS
        ? undefined
        : nearest(
            name,
            among.map((one) => one.name),
          );
    const meant = near === undefined ? "" : `; did you mean --${near}?`;
    this.#warn(
      "UnknownFlag",
      word,
      `${plain} is no flag of ${this.#table.server} that is known here, and is passed over${meant}`,
    );
    return { flag: undefined, negated: false, dotted };
  }

  /** `--x`, `--no-x`; older versions also take `--x=false` and `--x false`. */
  #switch(flag: Flag, negated: boolean, word: Word, value: Word | undefined, next: Word | undefined): number {
    const separate = value === undefined && /^(true|false)$/i.test(next?.text ?? "");
    const said = value ?? (separate ? next : undefined);
    if (said === undefined) {
      this.#set(flag, word, !negated);
      return 0;
    }
    if (!/^(true|false)$/i.test(said.text)) {
      this.#fail(
        said.field,
        `--${flag.name} is a switch and can't be ${said.text}`,
        `write --${flag.name} or --no-${flag.name}`,
      );
      return 0;
    }
    this.#set(flag, said, (said.text.toLowerCase() === "true") !== negated);
    return separate ? 1 : 0;
  }

  #value(flag: Flag, key: string, given: readonly Word[]): void {
    const [first] = given as [Word];
    const unresolved = given.flatMap((word) => word.unresolved);
    if (unresolved.length > 0) {
      const message = `${key} uses ${unresolved.join(", ")}, whose value nothing here tells; its default is assumed`;
      this.#warn("UnresolvedVariable", first, message, "give the value in the container's env, or as it is");
      return;
    }
    const read = readers[flag.takes](
      given.map((word) => word.text),
      flag.name,
    );
    if (read !== undefined) return this.#set(flag, first, read);
    const hint = /\$\{?[A-Za-z_]/.test(first.text) ? "; nothing but a shell expands it, write $(NAME)" : "";
    this.#fail(first.field, `${key} can't be ${first.text}${hint}`, `give ${WANTED[flag.takes]}`);
  }

  /** `--compilation-config.mode 3`: one field of an object, which may be said beside others. */
  #dotted(flag: Flag, key: string, word: Word): void {
    if (flag.takes !== "json") return this.#set(flag, word, word.text);
    const path = key.split(".").slice(1);
    const whole = this.#json(flag.name);
    this.#set(flag, word, JSON.stringify(withField(whole, path, jsonOr(word.text, word.text))));
  }

  #positional(word: Word): void {
    if (word.unresolved.length > 0) {
      const message = `${word.text} can't be read: nothing here tells its value; what it adds is not simulated`;
      return this.#warn("UnresolvedVariable", word, message, "give its value in the container's env");
    }
    if (!this.values.has("model")) return this.#set({ name: "model" }, word, word.text);
    this.#warn("UnknownArgument", word, `${word.text} belongs to no flag, and is passed over`);
  }

  #set({ name }: Pick<Flag, "name">, word: Word, value: Value): void {
    this.values.set(name, known(value, { kind: "field", object: this.#object, field: word.field }));
  }

  #warn(reason: string, where: { readonly field?: string } | object, message: string, fix?: string): void {
    this.#warnings += 1;
    if (this.#warnings > MOST_PROBLEMS) return;
    const field = "field" in where ? { field: where.field as string } : {};
    const more = fix === undefined ? {} : { fix };
    this.problems.push({ severity: "warning", reason, object: this.#object, ...field, message, ...more });
  }

  #fail(field: string, message: string, fix: string): void {
    this.#errors += 1;
    if (this.#errors > MOST_PROBLEMS) return;
    this.problems.push({ severity: "error", reason: "BadArgument", object: this.#object, field, message, fix });
  }
}

const jsonOr = (text: string, otherwise: unknown): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return otherwise;
  }
};

const withField = (
  whole: Readonly<Record<string, unknown>>,
  [name = "", ...path]: readonly string[],
  value: unknown,
): Readonly<Record<string, unknown>> => {
  const inner = whole[name];
  return { ...whole, [name]: path.length === 0 ? value : withField(mappingOf(inner), path, value) };
};

/** An object as JSON; a bare level of compilation (`3`, as older versions take it) counts as its mode. */
const jsonObject = (text: string): string | undefined => {
  const read = jsonOr(text, undefined);
  if (typeof read === "number") return JSON.stringify({ mode: read });
  return isMapping(read) ? text : undefined;
};

/** The key, and the value where it is written behind `=`. `-O3` is `-O=3`. */
const spellingOf = (word: Word): { key: string; value: Word | undefined } => {
  const { text } = word;
  if (/^-O[0-9]/.test(text)) return { key: "-O", value: word.from(2) };
  const equals = text.indexOf("=");
  return equals < 0 ? { key: text, value: undefined } : { key: text.slice(0, equals), value: word.from(equals + 1) };
};

/** A dash makes a flag, unless a number follows. */
const looksLikeFlag = (text: string): boolean => text.startsWith("-") && !/^-\d*\.?\d+$/.test(text) && text !== "-";

const leadingValues = (words: readonly Word[]): number => {
  const end = words.findIndex(({ text }) => looksLikeFlag(text));
  return end < 0 ? words.length : end;
};

const DECIMAL = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 } as const;
const BINARY = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** `4096`, `4_096`, `1k` = 1000, `1K` = 1024, `25.6k`; no fraction of a binary one (vLLM, human_readable_int). */
export const humanWhole = (text: string): number | undefined => {
  const trimmed = text.trim();
  if (/^\d+(_\d+)*$/.test(trimmed)) return safe(Number(trimmed.replaceAll("_", "")));
  const [, amount = "", suffix = ""] = /^(\d+(?:\.\d+)?)([kmgtKMGT])$/.exec(trimmed) ?? [];
  if (suffix in DECIMAL) return safe(Math.trunc(Number(amount) * DECIMAL[suffix as keyof typeof DECIMAL]));
  if (suffix in BINARY && !amount.includes(".")) return safe(Number(amount) * BINARY[suffix as keyof typeof BINARY]);
  return undefined;
};

const safe = (value: number): number | undefined => (Number.isSafeInteger(value) ? value : undefined);

const readers: Readonly<Record<Takes, (words: readonly string[], name: string) => Value | undefined>> = {
  whole: ([text = ""], name) =>
    name === "max-model-len" && /^(auto|-1)$/.test(text.trim()) ? "auto" : humanWhole(text),
  integer: ([text = ""]) => (/^\s*-\d+\s*$/.test(text) ? Number(text) : humanWhole(text)),
  number: ([text = ""]) => (/^\s*\d*\.?\d+(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : undefined),
  text: ([text = ""]) => text,
  texts: (texts) => texts,
  json: ([text = ""]) => jsonObject(text),
  switch: () => undefined,
};

const WANTED: Readonly<Record<Takes, string>> = {
  whole: "a whole number such as 4096, 4k or 4K",
  integer: "a whole number such as 4096 or -1",
  number: "a number such as 0.9",
  text: "a text",
  texts: "one or more texts",
  json: "a JSON object",
  switch: "nothing",
};
