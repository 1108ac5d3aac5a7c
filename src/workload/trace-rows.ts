import { LINE_MAX, type Line, LineReader } from "./line-reader.ts";
import { type PassedOver, TraceError } from "./source.ts";
import type { Broken, RowReader } from "./trace-row.ts";

export const NONE_PASSED: PassedOver = { lines: 0, firstLine: 0, why: "" };

/** `passed` and one more line. */
export const passedAlso = (passed: PassedOver, firstLine: number, why: string): PassedOver =>
  passed.lines === 0 ? { lines: 1, firstLine, why } : { ...passed, lines: passed.lines + 1 };

/** What the rows answer: the next sound one; more text is needed; or there are no more. */
export type NextRow<Row> =
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "starved" }
  | { readonly kind: "ended" };

/**
 * The sound rows of a trace, as its text comes in. Blank lines are passed over; a broken one is a TraceError, or is counted
 * (`onError: Skip`). A wrong header is a wrong format: no line could be trusted, so it is never skipped.
 */
export class TraceRows<Row extends { readonly kind: string }> {
  readonly #rows: RowReader<Row>;
  readonly #onError: "Fail" | "Skip";
  readonly #lines: LineReader;
  readonly #lineMax: number;
  #headerDue: boolean;
  /** Lines read of a row whose quoted field goes on. */
  #open: Extract<Line, { kind: "line" }> | undefined;
  #line = 0;
  #skipped = NONE_PASSED;

  constructor(rows: RowReader<Row>, onError: "Fail" | "Skip") {
    this.#rows = rows;
    this.#onError = onError;
    this.#lineMax = rows.lineMax ?? LINE_MAX;
    this.#lines = new LineReader(this.#lineMax);
    this.#headerDue = rows.header !== undefined;
  }

  /** 1-based, of the row told last. */
  get line(): number {
    return this.#line;
  }

  get skipped(): PassedOver {
    return this.#skipped;
  }

  feed(text: string | undefined): void {
    this.#lines.feed(text);
  }

  /** @throws TraceError on a broken line (`onError: Fail`) or a wrong header */
  next(): NextRow<Row> {
    for (;;) {
      const line = this.#nextLine();
      if (line.kind === "starved" || line.kind === "ended") return line;
      this.#line = line.number;
      const row = this.#read(line);
      if (row !== undefined) return { kind: "row", row };
    }
  }

  /** The row told last is wrong beside others. @throws TraceError (`onError: Fail`) */
  pass(why: string): undefined {
    if (this.#onError === "Fail") throw new TraceError(this.#line, why);
    this.#skipped = passedAlso(this.#skipped, this.#line, why);
  }

  /** The next line; one that ends within a quoted field comes joined with those that the field goes on in. */
  #nextLine(): Line {
    for (;;) {
      const line = this.#lines.next();
      if (this.#rows.quoted !== true || line.kind === "starved") return line;
      const open = this.#open;
      this.#open = undefined;
      if (line.kind !== "line") return open !== undefined && line.kind === "ended" ? open : line;
      const whole = open === undefined ? line : { ...open, text: `${open.text}\n${line.text}` };
      if (whole.text.length > this.#lineMax) return { kind: "too-long", number: whole.number };
      if (hasOddQuotes(line.text) === (open !== undefined)) return whole;
      this.#open = whole;
    }
  }

  #read(line: Extract<Line, { number: number }>): Row | undefined {
    if (line.kind === "too-long") return this.pass(`it is longer than ${this.#lineMax} characters`);
    const text = line.number === 1 && line.text.startsWith("\ufeff") ? line.text.slice(1) : line.text;
    if (text.trim() === "") return undefined;
    if (this.#headerDue) return this.#readHeader(text);
    const row = this.#rows.row(text);
    return isBroken(row) ? this.pass(row.why) : row;
  }

  #readHeader(text: string): undefined {
    this.#headerDue = false;
    const wrong = this.#rows.header?.(text);
    if (wrong !== undefined) throw new TraceError(this.#line, wrong);
  }
}

const isBroken = (row: { readonly kind: string }): row is Broken => row.kind === "broken";

const hasOddQuotes = (text: string): boolean => {
  let odd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
};
