import type { Request } from "../model/request.ts";
import { instant, type Micros } from "../sim/time.ts";
import { LINE_MAX, type Line, LineReader } from "./line-reader.ts";
import { type Drawn, type PassedOver, TraceError, type WorkloadSource } from "./source.ts";
import type { RowReader, TraceRow } from "./trace-row.ts";

export interface TraceOptions {
  /** 2: arrivals come twice as fast. */
  readonly rateScale: number;
  /** Passed over at the begin, in the trace's own time. */
  readonly startOffsetMicros: Micros;
  /** What a broken line does: throw a TraceError, or be passed over and counted. */
  readonly onError: "Fail" | "Skip";
  /** One more request than this is a TraceError whatever `onError` says: nothing is cut off silently. */
  readonly maxRequests: number;
}

type Row = Extract<TraceRow, { kind: "request" }>;
const NONE: PassedOver = { lines: 0, firstLine: 0, why: "" };

/**
 * Turns the lines of a trace into requests as they are read. A row arrives at
 * (its time - the first row's - start offset) / rate scale, rounded to a microsecond; earlier rows make no request.
 * Rows must be in order of time. Blank lines are passed over.
 */
export class TraceReader implements WorkloadSource {
  readonly #options: TraceOptions;
  readonly #rows: RowReader;
  readonly #lines = new LineReader();
  #line = 0;
  #headerDue: boolean;
  #firstAt: number | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #lastLine = 0;
  #drawn = 0;
  #skipped = NONE;
  #dropped = NONE;

  constructor(rows: RowReader, options: TraceOptions) {
    this.#rows = rows;
    this.#options = options;
    this.#headerDue = rows.header !== undefined;
  }

  get skipped(): PassedOver {
    return this.#skipped;
  }

  get dropped(): PassedOver {
    return this.#dropped;
  }

  feed(text: string | undefined): void {
    this.#lines.feed(text);
  }

  /** @throws TraceError on a broken line, a wrong header, a trace without requests or with too many */
  next(): Drawn {
    for (;;) {
      const line = this.#lines.next();
      if (line.kind === "starved") return line;
      if (line.kind === "ended") {
        if (this.#drawn === 0) this.#failEmpty();
        return line;
      }
      this.#line = line.number;
      const request = this.#read(line);
      if (request !== undefined) return { kind: "request", request };
    }
  }

  #read(line: Extract<Line, { number: number }>): Request | undefined {
    if (line.kind === "too-long") return this.#breaks(`it is longer than ${LINE_MAX} characters`);
    const text = line.number === 1 && line.text.startsWith("\ufeff") ? line.text.slice(1) : line.text;
    if (text.trim() === "") return undefined;
    if (this.#headerDue) return this.#readHeader(text);
    const row = this.#rows.row(text);
    if (row.kind === "broken") return this.#breaks(row.why);
    if (row.at < this.#lastAt)
      return this.#breaks(`it lies before line ${this.#lastLine}; rows must be in order of time`);
    this.#firstAt ??= row.at;
    this.#lastAt = row.at;
    this.#lastLine = this.#line;
    if (row.kind === "dropped") {
      this.#dropped = this.#countIn(this.#dropped, row.why);
      return undefined;
    }
    return this.#requestOf(row, row.at - this.#firstAt - this.#options.startOffsetMicros);
  }

  /** A wrong header is a wrong format: no line could be trusted, so it is never skipped. */
  #readHeader(text: string): undefined {
    this.#headerDue = false;
    const wrong = this.#rows.header?.(text);
    if (wrong !== undefined) throw new TraceError(this.#line, wrong);
  }

  /** @param sinceStart microseconds of the trace's own time since its start offset */
  #requestOf(row: Row, sinceStart: number): Request | undefined {
    if (sinceStart < 0) return undefined;
    const { maxRequests, rateScale } = this.#options;
    if (this.#drawn >= maxRequests) {
      throw new TraceError(this.#line, `more than ${maxRequests} requests; shorten the trace or raise the limit`);
    }
    const { promptTokens, outputTokens, prefix, session } = row;
    const request: Request = {
      id: this.#drawn,
      arrival: instant(Math.min(Number.MAX_SAFE_INTEGER, Math.round(sinceStart / rateScale))),
      promptTokens,
      outputTokens,
      ...(prefix === undefined ? {} : { prefix }),
      ...(session === undefined ? {} : { session }),
    };
    this.#drawn += 1;
    return request;
  }

  #breaks(why: string): undefined {
    if (this.#options.onError === "Fail") throw new TraceError(this.#line, why);
    this.#skipped = this.#countIn(this.#skipped, why);
  }

  #countIn(passed: PassedOver, why: string): PassedOver {
    return passed.lines === 0 ? { lines: 1, firstLine: this.#line, why } : { ...passed, lines: passed.lines + 1 };
  }

  #failEmpty(): never {
    const { lines, firstLine, why } = this.#skipped;
    const at = Math.max(1, this.#line);
    if (this.#firstAt !== undefined && this.#lastAt - this.#firstAt < this.#options.startOffsetMicros) {
      const span = (this.#lastAt - this.#firstAt) / 1e6;
      throw new TraceError(at, `the trace ends ${span} s after its first row, before the start offset is over`);
    }
    const skipped = lines === 0 ? "" : `; ${lines} broken lines were skipped, the first is line ${firstLine}: ${why}`;
    throw new TraceError(at, `the trace holds no request${skipped}`);
  }
}
