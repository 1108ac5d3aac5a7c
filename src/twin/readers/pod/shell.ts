import { arithmeticOf } from "./arithmetic.ts";
import type { Environment } from "./environment.ts";
import { MOST_WORD_CHARACTERS } from "./exec-bounds.ts";
import { type Part, Word } from "./word.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const BLANK = /[ \t]/;
const KEYWORDS = new Set(["if", "then", "else", "elif", "do", "while", "until", "!", "{", "exec", "time"]);

/**
 * Splits a script into its simple commands as a POSIX shell would: quotes, continued lines, comments, redirections,
 * `NAME=value`, `export`, `eval`, parameters with `:-`, `-`, `:=`, `=`, `:+`, `+`, `$@`, and arithmetic. Nothing is
 * run: every branch is taken, in order; command substitutions, sums of what isn't known and other expansions stay as
 * they are written and count as unresolved.
 * Source: POSIX.1-2017, Shell Command Language, 2.2 to 2.10.
 *
 * @param positional what `$1` and on are
 */
export const commandsOf = (
  script: Word,
  environment: Environment,
  positional: readonly Word[],
): readonly (readonly Word[])[] => new Shell(environment, positional).run(script, 0);

/** Of `eval` in `eval`, and of parameters in parameters. */
const MAX_DEPTH = 8;
/** No script that starts a server comes near; beyond them nothing more is read. */
const MOST_COMMANDS = 500;

/** What one script may still grow by: variables that double each other would fill all memory. */
interface Allowance {
  characters: number;
}

class Shell {
  readonly #environment: Environment;
  readonly #positional: readonly Word[];
  readonly #assigned = new Map<string, Word>();
  readonly #allowance: Allowance = { characters: 8 * MOST_WORD_CHARACTERS };
  #commands = 0;

  constructor(environment: Environment, positional: readonly Word[]) {
    this.#environment = environment;
    this.#positional = positional;
  }

  run(script: Word, depth: number): (readonly Word[])[] {
    const commands: (readonly Word[])[] = [];
    const lexer = new Lexer(script, (name) => this.#value(name), this.#positional, this.#allowance);
    for (let words = lexer.command(); words !== undefined; words = lexer.command()) {
      this.#commands += 1;
      if (this.#commands > MOST_COMMANDS) break;
      const rest = this.#assign(words);
      if (rest[0]?.text === "eval" && depth < MAX_DEPTH) commands.push(...this.run(joined(rest.slice(1)), depth + 1));
      else if (rest.length > 0) commands.push(rest);
    }
    return commands;
  }

  /** @returns the words after keywords and assignments; without a command, the assignments hold from now on */
  #assign(words: readonly Word[]): readonly Word[] {
    let at = 0;
    while (KEYWORDS.has(words[at]?.text ?? "")) at += 1;
    const declares = ["export", "declare", "local", "readonly"].includes(words[at]?.text ?? "");
    const first = declares ? at + 1 : at;
    let end = first;
    while (end < words.length && /^[A-Za-z_][A-Za-z0-9_]*=/.test((words[end] as Word).text)) end += 1;
    if (end < words.length) return declares ? [] : words.slice(end);
    for (const word of words.slice(first)) {
      const name = (NAME.exec(word.text) as RegExpExecArray)[0];
      this.#assigned.set(name, word.from(name.length + 1));
    }
    return [];
  }

  #value(name: string): Word | undefined {
    const assigned = this.#assigned.get(name);
    if (assigned !== undefined) return assigned;
    const variable = this.#environment.get(name);
    return variable?.known ? variable.word : undefined;
  }
}

const joined = (words: readonly Word[]): Word => {
  const home = words[0]?.home ?? "";
  const parts = words.flatMap((word, i) => (i === 0 ? word.parts : [{ text: " ", field: home }, ...word.parts]));
  return new Word(
    home,
    parts,
    words.flatMap(({ unresolved }) => unresolved),
  );
};

/** Cuts a script into words, one simple command at a time, with variables as they are then. */
class Lexer {
  readonly #script: Word;
  readonly #text: string;
  readonly #lookUp: (name: string) => Word | undefined;
  readonly #positional: readonly Word[];
  readonly #allowance: Allowance;
  readonly #depth: number;
  #at = 0;
  #parts: Part[] = [];
  #unresolved: string[] = [];
  /** A word has begun, be it empty (`""`). */
  #open = false;
  #words: Word[] = [];
  /** The next word is the target of a redirection. */
  #dropNext = false;

  constructor(
    script: Word,
    lookUp: (name: string) => Word | undefined,
    positional: readonly Word[],
    allowance: Allowance,
    depth = 0,
  ) {
    this.#script = script;
    this.#allowance = allowance;
    this.#depth = depth;
    this.#text = script.text;
    this.#lookUp = lookUp;
    this.#positional = positional;
  }

  /** @returns words of the next simple command, perhaps none; undefined at the end */
  command(): readonly Word[] | undefined {
    if (this.#at >= this.#text.length) return undefined;
    this.#words = [];
    this.#dropNext = false;
    while (this.#at < this.#text.length) if (this.#step()) break;
    this.#close();
    return this.#words;
  }

  /** Takes a letter or more. @returns whether the command ends here */
  #step(): boolean {
    const letter = this.#text[this.#at] as string;
    const next = this.#text[this.#at + 1];
    if (letter === "\\") return this.#escape(next);
    if (letter === "'") return this.#singleQuoted();
    if (letter === '"') return this.#doubleQuoted();
    if (letter === "$" || letter === "`") return this.#expand(false);
    if (letter === "#" && !this.#open) return this.#comment();
    if (BLANK.test(letter)) return this.#blank();
    if (letter === ">" || letter === "<") return this.#redirect();
    if (letter === "&" && next === ">") return this.#redirect();
    if (";|&()\n\r".includes(letter)) return this.#operator();
    this.#take(1);
    return false;
  }

  #escape(next: string | undefined): boolean {
    this.#at += 1;
    // A continued line: backslash and line feed are taken away.
    if (next === "\n") this.#at += 1;
    else if (next !== undefined) this.#take(1);
    return false;
  }

  #singleQuoted(): boolean {
    const end = this.#text.indexOf("'", this.#at + 1);
    this.#open = true;
    this.#at += 1;
    this.#take((end < 0 ? this.#text.length : end) - this.#at);
    this.#at += 1;
    return false;
  }

  #doubleQuoted(): boolean {
    const before = this.#open;
    this.#open = true;
    this.#at += 1;
    // `"$@"` without positional parameters is no word at all.
    const nothing = this.#positional.length === 0 && /^\$(@|\{@\})"/.test(this.#text.slice(this.#at, this.#at + 5));
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      const letter = this.#text[this.#at] as string;
      const next = this.#text[this.#at + 1] ?? "";
      if (letter === "\\" && '$`"\\\n'.includes(next)) this.#escape(next);
      else if (letter === "$" || letter === "`") this.#expand(true);
      else this.#take(1);
    }
    this.#at += 1;
    if (nothing) this.#open = before;
    return false;
  }

  #comment(): boolean {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end;
    return false;
  }

  #blank(): boolean {
    this.#close();
    this.#at += 1;
    return false;
  }

  #redirect(): boolean {
    // `2>` names a file descriptor, not an argument.
    const descriptor = this.#parts.map(({ text }) => text).join("");
    if (/^\d+$/.test(descriptor)) this.#forget();
    this.#close();
    while ("&<>".includes(this.#text[this.#at] ?? " ")) this.#at += 1;
    this.#dropNext = true;
    return false;
  }

  #operator(): boolean {
    this.#close();
    while (this.#at < this.#text.length && ";|&()\n\r".includes(this.#text[this.#at] as string)) this.#at += 1;
    return true;
  }

  // ---- expansions

  #expand(quoted: boolean): boolean {
    const rest = this.#text.slice(this.#at);
    this.#open = this.#open || quoted;
    if (rest.startsWith("$((")) return this.#arithmetic(rest.slice(0, closing(rest, "((", "))") + 2));
    if (rest.startsWith("$(")) return this.#opaque(closing(rest, "(", ")"));
    if (rest.startsWith("`")) return this.#opaque(rest.indexOf("`", 1) < 0 ? rest.length - 1 : rest.indexOf("`", 1));
    if (rest.startsWith("${")) return this.#braced(rest.slice(2, closing(rest, "{", "}")), quoted);
    const special = /^\$([@*0-9?#$!-])/.exec(rest)?.[1];
    if (special !== undefined) return this.#special(special, quoted);
    const name = NAME.exec(rest.slice(1))?.[0];
    if (name === undefined) return this.#take(1);
    this.#at += 1 + name.length;
    return this.#put(this.#lookUp(name), quoted, `$${name}`, name);
  }

  #arithmetic(whole: string): boolean {
    const value = whole.endsWith("))")
      ? arithmeticOf(whole.slice(3, -2), (name) => this.#lookUp(name)?.text)
      : undefined;
    if (value === undefined) return this.#opaque(whole.length - 1);
    const field = this.#script.fieldAt(this.#at);
    this.#at += whole.length;
    this.#append(String(value), field);
    return false;
  }

  /** `${...}`: the inside without braces. */
  #braced(inside: string, quoted: boolean): boolean {
    const whole = `\${${inside}}`;
    const start = this.#at;
    this.#at += whole.length;
    if (/^[@*0-9]$/.test(inside)) return this.#special(inside, quoted, true);
    const name = NAME.exec(inside)?.[0];
    const [, operator = "", other = ""] = /^(:?[-=+?])([\s\S]*)$/.exec(inside.slice(name?.length ?? 0)) ?? [];
    if (name === undefined || (operator === "" && inside !== name) || this.#depth >= MAX_DEPTH)
      return this.#unknown(whole, inside);
    const value = this.#lookUp(name);
    const empty = value === undefined || (operator.startsWith(":") && value.text === "");
    const instead = operator.endsWith("+") ? !empty : empty && /[-=]$/.test(operator);
    if (operator.endsWith("+") && empty) return false;
    if (!instead) return this.#put(value, quoted, whole, name);
    const field = this.#script.fieldAt(start);
    const script = Word.of(other.replace(/^(["'])([\s\S]*)\1$/, "$2"), field);
    const lexer = new Lexer(script, this.#lookUp, this.#positional, this.#allowance, this.#depth + 1);
    const word = joined(lexer.command() ?? []);
    return this.#put(new Word(field, word.parts, word.unresolved), quoted, whole, name);
  }

  #special(which: string, quoted: boolean, counted = false): boolean {
    if (!counted) this.#at += 2;
    if (which !== "@" && which !== "*") {
      const word = this.#positional[Number(which) - 1];
      return /[1-9]/.test(which) ? this.#put(word, quoted, `$${which}`, which) : this.#unknown(`$${which}`, which);
    }
    this.#positional.forEach((word, i) => {
      if (i > 0) this.#close();
      this.#put(word, true, "", which);
      this.#open = true;
    });
    return false;
  }

  /** Something that only running the script could tell. @param end index of its last letter, from here */
  #opaque(end: number): boolean {
    const whole = this.#text.slice(this.#at, this.#at + end + 1);
    const field = this.#script.fieldAt(this.#at);
    this.#at += end + 1;
    return this.#unknown(whole, whole, field);
  }

  #unknown(whole: string, name: string, field = this.#script.home): boolean {
    this.#open = true;
    this.#parts.push({ text: whole, field });
    this.#unresolved.push(name);
    return false;
  }

  /** Appends a variable's value; without quotes it is split at blanks. */
  #put(value: Word | undefined, quoted: boolean, whole: string, name: string): boolean {
    if (value === undefined) return this.#unknown(whole, name);
    // At least one, for words that are empty.
    this.#allowance.characters -= value.length + 1;
    if (this.#allowance.characters < 0) return this.#unknown(whole, name);
    this.#unresolved.push(...value.unresolved);
    for (const { text, field } of value.parts) {
      if (quoted) this.#append(text, field);
      else this.#split(text, field);
    }
    return false;
  }

  #split(text: string, field: string): void {
    text.split(/([ \t\n]+)/).forEach((piece, i) => {
      if (i % 2 === 1) this.#close();
      else if (piece !== "") this.#append(piece, field);
    });
  }

  // ---- words

  #take(letters: number): false {
    for (let i = 0; i < letters; i += 1) {
      this.#append(this.#text[this.#at] as string, this.#script.fieldAt(this.#at));
      this.#at += 1;
    }
    return false;
  }

  #append(text: string, field: string): void {
    this.#open = true;
    const last = this.#parts.at(-1);
    if (last?.field === field) this.#parts[this.#parts.length - 1] = { text: last.text + text, field };
    else this.#parts.push({ text, field });
  }

  #close(): void {
    if (!this.#open) return;
    const word = new Word(this.#script.home, this.#parts, this.#unresolved);
    if (this.#dropNext) this.#dropNext = false;
    else this.#words.push(word);
    this.#forget();
  }

  #forget(): void {
    this.#parts = [];
    this.#unresolved = [];
    this.#open = false;
  }
}

/** @returns index of the bracket that closes the one after the dollar sign; the last letter's if none does */
const closing = (text: string, open: string, close: string): number => {
  let depth = 0;
  for (let i = 1; i < text.length; i += 1) {
    if (text.startsWith(open, i)) depth += 1;
    else if (text.startsWith(close, i)) {
      depth -= 1;
      if (depth === 0) return i;
    }
  }
  return text.length - 1;
};
