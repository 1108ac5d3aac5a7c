import type { Request } from "../model/request.ts";
import { instant, type Micros } from "../sim/time.ts";
import { type Drawn, type PassedOver, TraceError, type WorkloadSource } from "./source.ts";
import type { RowReader, TraceRow } from "./trace-row.ts";
import { NONE_PASSED, passedAlso, TraceRows } from "./trace-rows.ts";

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

/**
 * Turns the lines of a trace into requests as they are read. A row arrives at
 * (its time - the first row's - start offset) / rate scale, rounded to a microsecond; earlier rows make no request.
 * Rows must be in order of time.
 */
export class TraceReader implements WorkloadSource {
  readonly #options: TraceOptions;
  readonly #rows: TraceRows<TraceRow>;
  #firstAt: number | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #lastLine = 0;
  #drawn = 0;
  #free = 0;
  #dropped = NONE_PASSED;

  constructor(rows: RowReader, options: TraceOptions) {
    this.#rows = new TraceRows(rows, options.onError);
    this.#options = options;
  }

  /** An id that no row gets. */
  readonly freeId = (): number => {
    this.#free += 1;
    return this.#options.maxRequests + this.#free - 1;
  };

  get skipped(): PassedOver {
    return this.#rows.skipped;
  }

  get dropped(): PassedOver {
    return this.#dropped;
  }

  feed(text: string | undefined): void {
    this.#rows.feed(text);
  }

  /** @throws TraceError on a broken line, a wrong header, a trace without requests or with too many */
  next(): Drawn {
    for (;;) {
      const next = this.#rows.next();
      if (next.kind === "starved") return next;
      if (next.kind === "ended") {
        if (this.#drawn === 0) this.#failEmpty();
        return next;
      }
      const request = this.#take(next.row);
      if (request !== undefined) return { kind: "request", request };
    }
  }

  #take(row: TraceRow): Request | undefined {
    if (row.at < this.#lastAt)
      return this.#rows.pass(`it lies before line ${this.#lastLine}; rows must be in order of time`);
    this.#firstAt ??= row.at;
    this.#lastAt = row.at;
    this.#lastLine = this.#rows.line;
    if (row.kind === "dropped") {
      this.#dropped = passedAlso(this.#dropped, this.#rows.line, row.why);
      return undefined;
    }
    return this.#requestOf(row, row.at - this.#firstAt - this.#options.startOffsetMicros);
  }

  /** @param sinceStart microseconds of the trace's own time since its start offset */
  #requestOf(row: Row, sinceStart: number): Request | undefined {
    if (sinceStart < 0) return undefined;
    const { maxRequests, rateScale } = this.#options;
    if (this.#drawn >= maxRequests) throw tooMany(this.#rows.line, maxRequests);
    const { promptTokens, outputTokens, prefix, session, encoderItems } = row;
    const request: Request = {
      id: this.#drawn,
      arrival: arrivalOf(sinceStart, rateScale),
      promptTokens,
      outputTokens,
      ...(prefix === undefined ? {} : { prefix }),
      ...(session === undefined ? {} : { session }),
      ...(encoderItems === undefined ? {} : { encoderItems }),
    };
    this.#drawn += 1;
    return request;
  }

  #failEmpty(): never {
    const span = this.#firstAt === undefined ? undefined : this.#lastAt - this.#firstAt;
    throw noRequests(this.#rows, span, this.#options);
  }
}

/** Where an instant of the trace lies in the run; what microseconds can't hold comes never. */
export const arrivalOf = (sinceStart: number, rateScale: number) =>
  instant(Math.min(Number.MAX_SAFE_INTEGER, Math.round(sinceStart / rateScale)));

export const tooMany = (line: number, maxRequests: number): TraceError =>
  new TraceError(line, `more than ${maxRequests} requests; shorten the trace or raise the limit`);

/** Why a trace made no request. @param span microseconds from its first row to its last; undefined: it has none */
export const noRequests = (
  rows: { readonly line: number; readonly skipped: PassedOver },
  span: number | undefined,
  { startOffsetMicros }: TraceOptions,
): TraceError => {
  const { lines, firstLine, why } = rows.skipped;
  const at = Math.max(1, rows.line);
  if (span !== undefined && span < startOffsetMicros) {
    return new TraceError(at, `the trace ends ${span / 1e6} s after its first row, before the start offset is over`);
  }
  const skipped = lines === 0 ? "" : `; ${lines} broken lines were skipped, the first is line ${firstLine}: ${why}`;
  return new TraceError(at, `the trace holds no request${skipped}`);
};
