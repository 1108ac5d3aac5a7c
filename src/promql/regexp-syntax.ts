/**
 * Reads RE2's syntax into a tree. What RE2 refuses (look-around, back-references, possessive and stacked repetitions) is
 * refused here too. Source: Go 1.26, regexp/syntax, with Perl flags.
 */

/** A pattern that can't be read. */
export class RegexpError extends Error {}

/** Closed ranges of code points, in order: from, to, from, to … */
export type Ranges = readonly number[];

export type RegexpNode =
  | { readonly kind: "empty" }
  | { readonly kind: "set"; readonly ranges: Ranges }
  /** A class that only Unicode's tables know, such as `\p{Greek}`. */
  | { readonly kind: "class"; readonly has: (codePoint: number) => boolean }
  | { readonly kind: "assert"; readonly what: "start" | "end" | "line-start" | "line-end" | "word" | "no-word" }
  | { readonly kind: "all"; readonly parts: readonly RegexpNode[] }
  | { readonly kind: "any"; readonly parts: readonly RegexpNode[] }
  | {
      readonly kind: "repeat";
      readonly of: RegexpNode;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    }
  | { readonly kind: "capture"; readonly of: RegexpNode; readonly index: number };

export interface RegexpTree {
  readonly root: RegexpNode;
  /** Names of the groups, the whole first; "" for one without a name. */
  readonly groups: readonly string[];
}

interface Flags {
  readonly fold: boolean;
  readonly dotAll: boolean;
  readonly multiline: boolean;
  readonly swapGreed: boolean;
}

const LAST = 0x10ffff;
const MOST_REPEATS = 1000;
const MOST_NESTED = 200;
const EMPTY: RegexpNode = { kind: "empty" };

const DIGIT: Ranges = [48, 57];
const SPACE: Ranges = [9, 10, 12, 13, 32, 32];
const WORD: Ranges = [48, 57, 65, 90, 95, 95, 97, 122];
const PERL: Readonly<Record<string, Ranges>> = { d: DIGIT, s: SPACE, w: WORD };
const POSIX: Readonly<Record<string, Ranges>> = {
  alnum: [48, 57, 65, 90, 97, 122],
  alpha: [65, 90, 97, 122],
  ascii: [0, 127],
  blank: [9, 9, 32, 32],
  cntrl: [0, 31, 127, 127],
  digit: DIGIT,
  graph: [33, 126],
  lower: [97, 122],
  print: [32, 126],
  punct: [33, 47, 58, 64, 91, 96, 123, 126],
  space: [9, 13, 32, 32],
  upper: [65, 90],
  word: WORD,
  xdigit: [48, 57, 65, 70, 97, 102],
};
const ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** @throws RegexpError */
export const parseRegexp = (pattern: string, dotAll: boolean): RegexpTree =>
  new Reader(pattern).read({ fold: false, dotAll, multiline: false, swapGreed: false });

class Reader {
  readonly #text: readonly string[];
  readonly #groups: string[] = [""];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#text = [...pattern];
  }

  read(flags: Flags): RegexpTree {
    const root = this.#alternatives(flags);
    if (this.#at < this.#text.length) throw this.#error("unexpected )", this.#text.join(""));
    return { root, groups: this.#groups };
  }

  #alternatives(flags: Flags): RegexpNode {
    this.#depth += 1;
    if (this.#depth > MOST_NESTED) throw new RegexpError("error parsing regexp: expression nests too deeply");
    const branches: RegexpNode[] = [];
    let current: RegexpNode[] = [];
    let active = flags;
    while (this.#at < this.#text.length && this.#peek() !== ")") {
      if (this.#take("|")) {
        branches.push(all(current));
        current = [];
      } else if (this.#startsWith("(?") && !this.#startsWith("(?P<") && !this.#startsWith("(?<")) {
        active = this.#flagged(active, current);
      } else {
        this.#piece(active, current);
      }
    }
    this.#depth -= 1;
    branches.push(all(current));
    return branches.length === 1 ? (branches[0] as RegexpNode) : { kind: "any", parts: branches };
  }

  /** `(?i)` for what follows, or `(?i:…)` for what is inside. @returns the flags for what follows */
  #flagged(flags: Flags, into: RegexpNode[]): Flags {
    const start = this.#at;
    this.#at += 2;
    let changed = flags;
    let on = true;
    let named = false;
    for (;;) {
      const char = this.#next();
      if (char === undefined) throw this.#error("missing argument to repetition operator", "?");
      if (char === ")" || char === ":") {
        if (!on && !named) throw this.#error("invalid or unsupported Perl syntax", this.#since(start));
        if (char === ")") return changed;
        into.push(this.#repeated(this.#group(changed), flags));
        return flags;
      }
      if (char === "-" && on) {
        on = false;
        named = false;
        continue;
      }
      named = true;
      const flag = { i: "fold", s: "dotAll", m: "multiline", U: "swapGreed" }[char];
      if (flag === undefined) throw this.#error("invalid or unsupported Perl syntax", this.#since(start));
      changed = { ...changed, [flag]: on };
    }
  }

  /** After the opening parenthesis, up to and with the closing one. */
  #group(flags: Flags): RegexpNode {
    const inside = this.#alternatives(flags);
    if (!this.#take(")")) throw this.#error("missing closing )", this.#text.join(""));
    return inside;
  }

  #piece(flags: Flags, into: RegexpNode[]): void {
    if (this.#startsWith("\\Q")) return this.#quoted(flags, into);
    into.push(this.#repeated(this.#atom(flags), flags));
  }

  /** `\Q…\E`: all literal; a repetition after it is of the last character. */
  #quoted(flags: Flags, into: RegexpNode[]): void {
    this.#at += 2;
    const literals: RegexpNode[] = [];
    while (this.#at < this.#text.length && !this.#startsWith("\\E")) {
      literals.push(literal(codeOf(this.#next() as string), flags.fold));
    }
    this.#at += this.#startsWith("\\E") ? 2 : 0;
    const last = literals.pop();
    into.push(...literals);
    if (last !== undefined) into.push(this.#repeated(last, flags));
  }

  #atom(flags: Flags): RegexpNode {
    const char = this.#next() as string;
    switch (char) {
      case "(":
        return this.#capture(flags);
      case "[":
        return this.#charClass(flags);
      case ".":
        return { kind: "set", ranges: flags.dotAll ? [0, LAST] : [0, 9, 11, LAST] };
      case "^":
        return { kind: "assert", what: flags.multiline ? "line-start" : "start" };
      case "$":
        return { kind: "assert", what: flags.multiline ? "line-end" : "end" };
      case "\\":
        return this.#escape(flags);
      case "*":
      case "+":
      case "?":
        throw this.#error("missing argument to repetition operator", char);
      default:
        return literal(codeOf(char), flags.fold);
    }
  }

  #capture(flags: Flags): RegexpNode {
    const start = this.#at - 1;
    let name = "";
    if (this.#startsWith("?")) {
      this.#at += this.#startsWith("?P<") ? 3 : 2;
      while (this.#peek() !== ">" && this.#at < this.#text.length) name += this.#next();
      if (!this.#take(">") || !/^\w+$/.test(name)) throw this.#error("invalid named capture", this.#since(start));
    }
    const index = this.#groups.push(name) - 1;
    return { kind: "capture", of: this.#group(flags), index };
  }

  #repeated(of: RegexpNode, flags: Flags): RegexpNode {
    const start = this.#at;
    const bounds = this.#bounds();
    if (bounds === undefined) return of;
    const [least, most] = bounds;
    const lazy = this.#take("?") !== flags.swapGreed;
    const end = this.#at;
    if (this.#bounds() !== undefined) throw this.#error("invalid nested repetition operator", this.#since(start));
    this.#at = end;
    return { kind: "repeat", of, least, most, lazy };
  }

  #bounds(): readonly [number, number] | undefined {
    if (this.#take("*")) return [0, Infinity];
    if (this.#take("+")) return [1, Infinity];
    if (this.#take("?")) return [0, 1];
    if (this.#peek() !== "{") return undefined;
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 24).join(""));
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const least = Number(counted[1]);
    const most = counted[2] === undefined ? least : counted[3] === "" ? Infinity : Number(counted[3]);
    if (least > MOST_REPEATS || (most !== Infinity && most > MOST_REPEATS) || most < least) {
      throw this.#error("invalid repeat count", counted[0]);
    }
    return [least, most];
  }

  /** After the backslash, outside of a class. */
  #escape(flags: Flags): RegexpNode {
    const char = this.#peek();
    if (char === undefined) throw new RegexpError("error parsing regexp: trailing backslash at end of expression: ``");
    const what = { A: "start", z: "end", b: "word", B: "no-word" } as const;
    if (char in what) {
      this.#at += 1;
      return { kind: "assert", what: what[char as keyof typeof what] };
    }
    const perl = this.#perlClass();
    if (perl !== undefined) return { kind: "set", ranges: perl };
    const unicode = this.#unicodeClass();
    if (unicode !== undefined) return { kind: "class", has: unicode };
    return literal(this.#escapedChar(), flags.fold);
  }

  /** `d`, `D`, `s`, `S`, `w`, `W` after a backslash. */
  #perlClass(): Ranges | undefined {
    const char = this.#peek() ?? "";
    const ranges = PERL[char.toLowerCase()];
    if (ranges === undefined || char.length !== 1) return undefined;
    this.#at += 1;
    return char === char.toLowerCase() ? ranges : negated(ranges);
  }

  /** `pL`, `p{Greek}`, `P{^Lu}` after a backslash. */
  #unicodeClass(): ((codePoint: number) => boolean) | undefined {
    const start = this.#at - 1;
    const kind = this.#peek();
    if (kind !== "p" && kind !== "P") return undefined;
    this.#at += 1;
    let name = this.#next() ?? "";
    if (name === "{") {
      name = "";
      while (this.#peek() !== "}" && this.#at < this.#text.length) name += this.#next();
      if (!this.#take("}")) throw this.#error("invalid character class range", this.#since(start));
    }
    const not = name.startsWith("^");
    const has = unicodeTest(not ? name.slice(1) : name);
    if (has === undefined) throw this.#error("invalid character class range", this.#since(start));
    return (kind === "P") === not ? has : (codePoint) => !has(codePoint);
  }

  /** One character after a backslash. */
  #escapedChar(): number {
    const start = this.#at - 1;
    const char = this.#next() ?? "";
    if (char === "x") return this.#hex(start);
    if (/[1-7]/.test(char) && /[0-7]/.test(this.#peek() ?? "")) return this.#octal(char);
    if (char === "0") return this.#octal("0");
    const control = ESCAPES[char];
    if (control !== undefined) return control;
    const code = char === "" ? 0 : codeOf(char);
    if (code > 0 && code < 128 && !/[0-9A-Za-z]/.test(char)) return code;
    throw this.#error("invalid escape sequence", this.#since(start));
  }

  #octal(first: string): number {
    let digits = first;
    while (digits.length < 3 && /[0-7]/.test(this.#peek() ?? "")) digits += this.#next();
    return Number.parseInt(digits, 8);
  }

  #hex(start: number): number {
    const rest = this.#text.slice(this.#at, this.#at + 12).join("");
    const found = /^([0-9a-fA-F]{2})|^\{([0-9a-fA-F]{1,8})\}/.exec(rest);
    const code = Number.parseInt(found?.[1] ?? found?.[2] ?? "", 16);
    if (found === null || code > LAST) throw this.#error("invalid escape sequence", this.#since(start));
    this.#at += found[0].length;
    return code;
  }

  /** After the opening bracket. */
  #charClass(flags: Flags): RegexpNode {
    const start = this.#at - 1;
    const not = this.#take("^");
    const ranges: number[] = [];
    const tests: ((codePoint: number) => boolean)[] = [];
    for (let first = true; first || this.#peek() !== "]"; first = false) {
      if (this.#at >= this.#text.length) throw this.#error("missing closing ]", this.#since(start));
      this.#classItem(flags, ranges, tests);
    }
    this.#at += 1;
    const sorted = merged(ranges);
    if (tests.length === 0) return { kind: "set", ranges: not ? negated(sorted) : sorted };
    const has = (code: number) => inRanges(sorted, code) || tests.some((test) => test(code));
    return { kind: "class", has: not ? (code) => !has(code) : has };
  }

  #classItem(flags: Flags, ranges: number[], tests: ((codePoint: number) => boolean)[]): void {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#text.slice(this.#at, this.#at + 16).join(""));
    if (posix !== null) {
      const known = POSIX[posix[2] as string];
      if (known === undefined) throw this.#error("invalid character class range", posix[0]);
      this.#at += posix[0].length;
      ranges.push(...(posix[1] === "^" ? negated(known) : flags.fold ? folded(known) : known));
      return;
    }
    if (this.#startsWith("\\")) {
      this.#at += 1;
      const perl = this.#perlClass();
      if (perl !== undefined) return void ranges.push(...perl);
      const unicode = this.#unicodeClass();
      if (unicode !== undefined) return void tests.push(unicode);
      this.#at -= 1;
    }
    ranges.push(...this.#classRange(flags));
  }

  #classRange(flags: Flags): Ranges {
    const start = this.#at;
    const from = this.#classChar();
    if (this.#peek() !== "-" || this.#text[this.#at + 1] === "]" || this.#text[this.#at + 1] === undefined) {
      return flags.fold ? folded([from, from]) : [from, from];
    }
    this.#at += 1;
    const to = this.#classChar();
    if (to < from) throw this.#error("invalid character class range", this.#since(start));
    return flags.fold ? folded([from, to]) : [from, to];
  }

  #classChar(): number {
    if (this.#take("\\")) {
      if (this.#peek() === undefined) throw this.#error("missing closing ]", this.#text.join(""));
      return this.#escapedChar();
    }
    return codeOf(this.#next() as string);
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #next(): string | undefined {
    const char = this.#text[this.#at];
    this.#at += 1;
    return char;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #startsWith(text: string): boolean {
    for (let i = 0; i < text.length; i += 1) if (this.#text[this.#at + i] !== text[i]) return false;
    return true;
  }

  #since(start: number): string {
    return this.#text.slice(start, this.#at).join("");
  }

  #error(what: string, where: string): RegexpError {
    return new RegexpError(`error parsing regexp: ${what}: \`${where}\``);
  }
}

const codeOf = (char: string): number => char.codePointAt(0) as number;

const all = (parts: readonly RegexpNode[]): RegexpNode =>
  parts.length === 0 ? EMPTY : parts.length === 1 ? (parts[0] as RegexpNode) : { kind: "all", parts };

const literal = (code: number, fold: boolean): RegexpNode => ({
  kind: "set",
  ranges: fold ? folded([code, code]) : [code, code],
});

export const inRanges = (ranges: Ranges, code: number): boolean => {
  for (let i = 0; i < ranges.length; i += 2) {
    if (code >= (ranges[i] as number) && code <= (ranges[i + 1] as number)) return true;
  }
  return false;
};

const merged = (ranges: Ranges): Ranges => {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i] as number, ranges[i + 1] as number]);
  pairs.sort(([a], [b]) => a - b);
  const out: number[] = [];
  for (const [from, to] of pairs) {
    const last = out[out.length - 1];
    if (last !== undefined && from <= last + 1) out[out.length - 1] = Math.max(last, to);
    else out.push(from, to);
  }
  return out;
};

const negated = (ranges: Ranges): Ranges => {
  const out: number[] = [];
  let next = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    if ((ranges[i] as number) > next) out.push(next, (ranges[i] as number) - 1);
    next = (ranges[i + 1] as number) + 1;
  }
  if (next <= LAST) out.push(next, LAST);
  return out;
};

/** Characters that fold onto one another beyond upper and lower case. */
const ORBITS: readonly (readonly number[])[] = [
  [0x4b, 0x6b, 0x212a],
  [0x53, 0x73, 0x17f],
  [0xc5, 0xe5, 0x212b],
  [0xb5, 0x3bc, 0x39c],
  [0x3a9, 0x3c9, 0x2126],
  [0x3c3, 0x3c2, 0x3a3],
];
const MOST_FOLDED = 4096;

/** With all that differs in case only. Ranges too wide for a language's letters are taken to hold their own cases. */
const folded = (ranges: Ranges): Ranges => {
  const out: number[] = [...ranges];
  for (let i = 0; i < ranges.length; i += 2) {
    const from = ranges[i] as number;
    const to = ranges[i + 1] as number;
    if (to - from > MOST_FOLDED) continue;
    for (let code = from; code <= to; code += 1) for (const other of casesOf(code)) out.push(other, other);
  }
  return merged(out);
};

const casesOf = (code: number): readonly number[] => {
  const orbit = ORBITS.find((codes) => codes.includes(code));
  if (orbit !== undefined) return orbit;
  const char = String.fromCodePoint(code);
  const others = [char.toLowerCase(), char.toUpperCase()].filter((text) => [...text].length === 1);
  return others.map((text) => codeOf(text));
};

/** Go knows general categories and scripts by their names. */
const unicodeTest = (name: string): ((codePoint: number) => boolean) | undefined => {
  if (name === "Any") return () => true;
  if (!/^\w+$/.test(name)) return undefined;
  for (const property of [name, `Script=${name}`]) {
    if (property === name && name.length > 2) continue;
    try {
      const pattern = new RegExp(`^\\p{${property}}$`, "u");
      return (codePoint) => pattern.test(String.fromCodePoint(codePoint));
    } catch {}
  }
  return undefined;
};
