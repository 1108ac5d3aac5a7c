const BLOCK = 512;

/** What the reader answers: a file of the archive; more text is needed; no more files; or why it is no archive. */
export type TarEntry =
  | { readonly kind: "file"; readonly name: string; readonly text: string }
  | { readonly kind: "starved" }
  | { readonly kind: "ended" }
  | { readonly kind: "broken"; readonly why: string };

/** The archive as so far read, in characters: those of ASCII are its bytes. */
interface Held {
  readonly parts: string[];
  length: number;
}

/**
 * Files of a tar archive (POSIX.1-2001 `ustar` and `pax`, GNU long names) that holds ASCII text and comes as text in blocks of
 * any size. Holds one file at a time. Links, folders and the like are passed over.
 */
export class TarReader {
  #held: Held = { parts: [], length: 0 };
  #ended = false;
  #longName: string | undefined;

  /** @param block undefined: there is no more */
  feed(block: string | undefined): void {
    if (block === undefined) this.#ended = true;
    else {
      this.#held.parts.push(block);
      this.#held.length += block.length;
    }
  }

  next(): TarEntry {
    for (;;) {
      if (this.#held.length < BLOCK) return this.#short();
      const all = this.#whole();
      const header = all.slice(0, BLOCK);
      if (/^\0*$/.test(header)) return { kind: "ended" };
      // biome-ignore lint/suspicious/noControlCharactersInRegex: an archive has NULs between its fields
      if (!/^[\0-\x7f]*$/.test(header)) return broken("a header is not ASCII");
      if (!header.startsWith("ustar", 257)) return broken("this is no tar archive (POSIX ustar)");
      const size = Number.parseInt(field(header, 124, 12).trim() || "0", 8);
      if (!Number.isSafeInteger(size) || size < 0) return broken("a header has no size");
      const whole = BLOCK + Math.ceil(size / BLOCK) * BLOCK;
      if (this.#held.length < whole) return this.#short();
      const text = all.slice(BLOCK, BLOCK + size);
      this.#held = { parts: [all.slice(whole)], length: all.length - whole };
      const entry = this.#entry(header, text);
      if (entry !== undefined) return entry;
    }
  }

  #entry(header: string, text: string): TarEntry | undefined {
    const type = header[156];
    if (type === "L") this.#longName = field(text, 0, text.length);
    else if (type === "x") this.#longName = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1] ?? this.#longName;
    else {
      const prefix = field(header, 345, 155);
      const name = this.#longName ?? (prefix === "" ? field(header, 0, 100) : `${prefix}/${field(header, 0, 100)}`);
      this.#longName = undefined;
      if (type !== "0" && type !== "\0") return undefined;
      return { kind: "file", name, text };
    }
    return undefined;
  }

  #short(): TarEntry {
    if (!this.#ended) return { kind: "starved" };
    return this.#held.length === 0 ? { kind: "ended" } : broken("the archive is cut off");
  }

  #whole(): string {
    if (this.#held.parts.length > 1) this.#held = { parts: [this.#held.parts.join("")], length: this.#held.length };
    return this.#held.parts[0] ?? "";
  }
}

const broken = (why: string): TarEntry => ({ kind: "broken", why });

/** A field up to its first NUL. */
const field = (text: string, from: number, length: number): string => {
  const whole = text.slice(from, from + length);
  const end = whole.indexOf("\0");
  return end < 0 ? whole : whole.slice(0, end);
};
