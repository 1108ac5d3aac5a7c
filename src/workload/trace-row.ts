import type { EncoderItem, SharedPrefix } from "../model/request.ts";

/** What one line of a trace says, where every row is a request by itself. */
export type TraceRow =
  | {
      readonly kind: "request";
      /** Whole microseconds from an origin of the trace's own. */
      readonly at: number;
      readonly promptTokens: number;
      readonly outputTokens: number;
      readonly prefix?: SharedPrefix;
      readonly session?: string;
      readonly encoderItems?: readonly EncoderItem[];
    }
  /** Sound, but left out by a rule of the format. */
  | { readonly kind: "dropped"; readonly at: number; readonly why: string };

export interface Broken {
  readonly kind: "broken";
  /** What is wrong and what would be right. */
  readonly why: string;
}

/** Reads the lines of one trace, in order, without their line ends. Knows nothing of files, offsets or scales. */
export interface RowReader<Row = TraceRow> {
  /** Only formats with a header: takes the first line. @returns what is wrong with it, if anything */
  header?(line: string): string | undefined;
  row(line: string): Row | Broken;
  /** Fields may be quoted, and then hold line ends: such lines come joined. */
  readonly quoted?: boolean;
  /** Characters that a line may have; left out: `LINE_MAX`. */
  readonly lineMax?: number;
}

export const broken = (why: string): Broken => ({ kind: "broken", why });

/** Text of a trace as it may be shown in a message: quoted, control characters escaped, cut short. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** Most tokens that a row may claim; a larger figure is a misread column. */
export const TOKENS_MAX = 10_000_000;

export const isTokenCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= TOKENS_MAX;

export const notTokenCount = (name: string, text: string): Broken =>
  broken(`${name} is ${shown(text)}; it must be a whole number from 1 to ${TOKENS_MAX}`);

/** A row of a trace that has sessions. Times are whole microseconds on the trace's own clock. */
export interface SessionRow {
  readonly kind: "request";
  readonly id: number | undefined;
  /** When it came to the server. */
  readonly at: number;
  /** When its client meant it to come; differs from `at` where clients queued. */
  readonly arrivalAt: number;
  /** Without the shared prefix. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prefixGroup: string | undefined;
  readonly prefixTokens: number;
  readonly session: string | undefined;
  /** Undefined where the trace doesn't number them. */
  readonly round: number | undefined;
  /** From the end of the round before; undefined or 0: not recorded. */
  readonly thinkMicros: number | undefined;
  /** How long its client waited at most. */
  readonly patienceMicros: number | undefined;
  /** Images and the like within the prompt's own tokens: where they stand after the shared prefix. */
  readonly encoderItems?: readonly EncoderItem[] | undefined;
  readonly labels: RowLabels;
}

/** What goes into a request's head as it stands. Rows that say the same share one. */
export interface RowLabels {
  readonly client?: string;
  readonly tenant?: string;
  readonly sloClass?: string;
  readonly model?: string;
  readonly adapter?: string;
  readonly priority?: number;
}
