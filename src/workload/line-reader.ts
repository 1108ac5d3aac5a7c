/** A longer line is no line of a trace. Bounds what is held when a file has no line ends. */
export const LINE_MAX = 1_048_576;

/** What the reader answers: a line; the rest of one that is too long was passed over; more text is needed; no more lines. */
export type Line =
  | { readonly kind: "line"; readonly text: string; readonly number: number }
  | { readonly kind: "too-long"; readonly number: number }
  | { readonly kind: "starved" }
  | { readonly kind: "ended" };

/** Cuts text that comes in blocks of any size into lines. Holds one block and the begin of one line. */
export class LineReader {
  #text = "";
  #from = 0;
  #number = 0;
  #ended = false;
  /** Within a line that was told as too long. */
  #passing = false;
  readonly #most: number;

  /** @param most characters that a line may have */
  constructor(most: number = LINE_MAX) {
    this.#most = most;
  }

  /** @param block undefined: there is no more */
  feed(block: string | undefined): void {
    if (block === undefined) this.#ended = true;
    else {
      this.#text = this.#text.slice(this.#from) + block;
      this.#from = 0;
    }
  }

  /** @returns the next line without `\n` or `\r\n`; lines count from 1 */
  next(): Line {
    for (;;) {
      const end = this.#text.indexOf("\n", this.#from);
      if (end < 0) return this.#lastPart();
      const line = this.#take(end, end + 1);
      if (line !== undefined) return line;
    }
  }

  #lastPart(): Line {
    const { length } = this.#text;
    if (this.#ended) return (length > this.#from ? this.#take(length, length) : undefined) ?? { kind: "ended" };
    if (length - this.#from <= this.#most) return { kind: "starved" };
    this.#text = "";
    this.#from = 0;
    if (this.#passing) return { kind: "starved" };
    this.#passing = true;
    this.#number += 1;
    return { kind: "too-long", number: this.#number };
  }

  /** @returns undefined for the end of a line that was told as too long */
  #take(end: number, next: number): Line | undefined {
    const cut = end > this.#from && this.#text.charCodeAt(end - 1) === 13 ? end - 1 : end;
    const text = this.#text.slice(this.#from, cut);
    this.#from = next;
    if (this.#passing) {
      this.#passing = false;
      return undefined;
    }
    this.#number += 1;
    if (text.length > this.#most) return { kind: "too-long", number: this.#number };
    return { kind: "line", text, number: this.#number };
  }
}
