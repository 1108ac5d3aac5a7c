import type { Request, SharedPrefix } from "../model/request.ts";
import { type Micros, micros, type SimTime } from "../sim/time.ts";
import { type ContextGrowth, deadlineOf, type EndedRequest, LiveSessions, type Round } from "./live-sessions.ts";
import { type Drawn, type PassedOver, type WorkloadSource } from "./source.ts";
import { arrivalOf, noRequests, type TraceOptions, tooMany } from "./trace-reader.ts";
import type { RowReader, SessionRow } from "./trace-row.ts";
import { NONE_PASSED, TraceRows } from "./trace-rows.ts";

/** How sessions are replayed: `auto` closes the loop where the trace has think times, or contexts that accumulate. */
export const SESSION_MODES = ["auto", "open-loop", "closed-loop"] as const;

/** What is to be known of a trace with sessions beside its rows. */
export interface ReplayOptions {
  readonly sessions: (typeof SESSION_MODES)[number];
  readonly contextGrowth: ContextGrowth;
  /** When the run starts on the trace's clock: at its 0, or with the first row (clocks of real servers). */
  readonly clock: "zero" | "first-row";
}

/** How long clients of later rounds wait where the trace doesn't say: BLIS's default for sessions. */
const SESSION_PATIENCE_MICROS = 300e6;

/** Makes rows of their lines, and knows from the first one whether think times are recorded. */
export interface SessionRows extends RowReader<SessionRow> {
  readonly thinkTimes: boolean;
}

/**
 * Replays a trace with sessions: open loop, each row at its time; or closed loop, where only rows without session and
 * first rounds come at their time, and later ones their think time after the round before ended. The trace is read to its
 * end before the first request, since rows may stand in any order of time; rounds of one session stand in order.
 *
 * Source: BLIS `sim/workload/replay.go` @f90a1e3a (`--session-mode fixed` and `closed-loop`): all of a group share a prefix
 * as long as its first row's; what clients ask for at most is what they got; later rounds take prefix and labels from the
 * first one; without think times they are the gaps between arrivals.
 */
export class SessionTrace implements WorkloadSource {
  readonly #options: TraceOptions;
  readonly #replay: ReplayOptions;
  readonly #reader: SessionRows;
  readonly #rows: TraceRows<SessionRow>;
  readonly #live = new LiveSessions(() => this.#freeId());
  #held: SessionRow[] = [];
  readonly #ids = new Set<number>();
  /** Last round read, by session. */
  #rounds = new Map<string, number>();
  /** What to begin with, the last one first; undefined until the trace is read. */
  #starts: Start[] | undefined;
  #nextId = 0;

  constructor(reader: SessionRows, options: TraceOptions, replay: ReplayOptions) {
    this.#reader = reader;
    this.#rows = new TraceRows(reader, options.onError);
    this.#options = options;
    this.#replay = replay;
  }

  get skipped(): PassedOver {
    return this.#rows.skipped;
  }

  /** Every sound row makes a request. */
  get dropped(): PassedOver {
    return NONE_PASSED;
  }

  feed(text: string | undefined): void {
    this.#rows.feed(text);
  }

  /** @throws TraceError on a broken line, a wrong header, a trace without requests or with too many */
  next(): Drawn {
    while (this.#starts === undefined) {
      const next = this.#rows.next();
      if (next.kind === "starved") return next;
      if (next.kind === "ended") this.#starts = this.#arrange();
      else this.#hold(next.row);
    }
    const start = this.#starts.pop();
    if (start === undefined) return { kind: "ended" };
    if (start.rounds !== undefined) this.#live.begin(start.request, this.#replay.contextGrowth, start.rounds);
    return { kind: "request", request: start.request };
  }

  ended(ended: EndedRequest, now: SimTime): Request | undefined {
    return this.#live.ended(ended, now);
  }

  get #closedLoop(): boolean {
    const { sessions, contextGrowth } = this.#replay;
    if (sessions !== "auto") return sessions === "closed-loop";
    return this.#reader.thinkTimes || contextGrowth === "accumulate";
  }

  #hold(row: SessionRow): void {
    const { maxRequests } = this.#options;
    const wrong = this.#doubtIn(row);
    if (wrong !== undefined) return this.#rows.pass(wrong);
    if (this.#held.length >= maxRequests) throw tooMany(this.#rows.line, maxRequests);
    if (row.id !== undefined) this.#ids.add(row.id);
    if (row.session !== undefined) this.#rounds.set(row.session, this.#roundOf(row, row.session));
    this.#held.push(row);
  }

  /** What is wrong with a row beside those before it. */
  #doubtIn({ id, session, round }: SessionRow): string | undefined {
    if (id !== undefined && this.#ids.has(id)) return `request_id ${id} was there before; each row must have its own`;
    if (session === undefined || round === undefined) return undefined;
    const last = this.#rounds.get(session);
    const due = (last ?? -1) + 1;
    if (this.#closedLoop ? round === due : round >= due) return undefined;
    const before = last === undefined ? "nothing of that session stands before it" : `${last} stands before it`;
    const wanted = this.#closedLoop ? `it must be ${due}` : `it must be at least ${due}`;
    return `round_index of session ${JSON.stringify(session)} is ${round}, and ${before}; ${wanted}: rounds stand in order, from 0 on`;
  }

  #roundOf({ round }: SessionRow, session: string): number {
    return round ?? (this.#rounds.get(session) ?? -1) + 1;
  }

  /** @returns what to begin with, the last one first */
  #arrange(): Start[] {
    const rows = this.#held;
    [this.#held, this.#rounds] = [[], new Map()];
    const origin = rows.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
    const from = (this.#replay.clock === "zero" ? 0 : origin) + this.#options.startOffsetMicros;
    const prefixes = prefixesOf(rows);
    const starts = this.#closedLoop ? this.#sessionStarts(rows, from, prefixes) : this.#rowStarts(rows, from, prefixes);
    if (starts.length === 0) {
      const last = rows.reduce((most, { at }) => Math.max(most, at), 0);
      throw noRequests(
        this.#rows,
        rows.length === 0 ? undefined : last - from + this.#options.startOffsetMicros,
        this.#options,
      );
    }
    this.#ids.clear();
    // The sort is stable: at one instant as they stand in the trace, but sessions first, as BLIS has it.
    starts.sort((a, b) => a.request.arrival - b.request.arrival || a.rank - b.rank);
    return starts.reverse();
  }

  #rowStarts(rows: readonly SessionRow[], from: number, prefixes: Prefixes): Start[] {
    const contexts = new Map<string, number>();
    return rows.flatMap((row): Start[] => {
      const { session } = row;
      const prefix = prefixes(row);
      let promptTokens = row.promptTokens + (prefix?.tokens ?? 0);
      if (session !== undefined && this.#replay.contextGrowth === "accumulate") {
        const before = contexts.get(session);
        if (before !== undefined) promptTokens = before + row.promptTokens;
        contexts.set(session, promptTokens + row.outputTokens);
      }
      return row.at < from ? [] : [{ request: this.#requestOf(row, from, promptTokens, prefix), rank: 0 }];
    });
  }

  #sessionStarts(rows: readonly SessionRow[], from: number, prefixes: Prefixes): Start[] {
    const starts: Start[] = [];
    const sessions = new Map<string, SessionRow[]>();
    for (const row of rows) {
      const rounds = row.session === undefined ? undefined : sessions.get(row.session);
      if (rounds !== undefined) rounds.push(row);
      else if (row.session !== undefined) sessions.set(row.session, [row]);
      if (rounds !== undefined || row.at < from) continue;
      const prefix = prefixes(row);
      const request = this.#requestOf(row, from, row.promptTokens + (prefix?.tokens ?? 0), prefix);
      starts.push({ request, rank: row.session === undefined ? 1 : 0 });
    }
    return starts.map((start) => {
      const rounds = start.request.session === undefined ? undefined : sessions.get(start.request.session);
      return rounds === undefined ? start : { ...start, rounds: this.#roundsOf(rounds, start.request.prefix) };
    });
  }

  #requestOf(row: SessionRow, from: number, promptTokens: number, prefix: SharedPrefix | undefined): Request {
    const { id, session, outputTokens, labels } = row;
    const arrival = arrivalOf(row.at - from, this.#options.rateScale);
    return {
      id: id ?? this.#freeId(),
      arrival,
      promptTokens,
      outputTokens,
      maxTokens: outputTokens,
      ...(prefix === undefined ? {} : { prefix }),
      ...(session === undefined ? {} : { session }),
      ...(session === undefined || this.#replay.contextGrowth === "none" ? {} : { conversation: session }),
      ...deadlineOf(arrival, row.patienceMicros),
      ...labels,
    };
  }

  /** @param rows of one session; the first one begins it */
  #roundsOf(rows: readonly SessionRow[], prefix: SharedPrefix | undefined): readonly Round[] {
    const recorded = rows.some(({ thinkMicros = 0 }, i) => i > 0 && thinkMicros > 0);
    const shared = this.#replay.contextGrowth === "accumulate" || prefix?.kind !== "group" ? 0 : prefix.tokens;
    return rows.slice(1).map((row, i) => {
      const gap = Math.max(0, row.arrivalAt - (rows[i] as SessionRow).arrivalAt);
      return {
        id: row.id ?? this.#freeId(),
        promptTokens: row.promptTokens + shared,
        outputTokens: row.outputTokens,
        thinkMicros: this.#scaled(recorded ? (row.thinkMicros ?? 0) : gap),
        patienceMicros: row.patienceMicros ?? SESSION_PATIENCE_MICROS,
      };
    });
  }

  #scaled(length: number): Micros {
    return micros(Math.min(Number.MAX_SAFE_INTEGER, Math.round(length / this.#options.rateScale)));
  }

  #freeId(): number {
    while (this.#ids.has(this.#nextId)) this.#nextId += 1;
    this.#nextId += 1;
    return this.#nextId - 1;
  }
}

/** A request that waits for no other, and the rounds that follow it. */
interface Start {
  readonly request: Request;
  /** Who goes first at one instant. */
  readonly rank: number;
  readonly rounds?: readonly Round[];
}

type Prefixes = (row: SessionRow) => Extract<SharedPrefix, { kind: "group" }> | undefined;

/** All of a group share a prefix as long as the first one that the trace has of it. */
const prefixesOf = (rows: readonly SessionRow[]): Prefixes => {
  const groups = new Map<string, Extract<SharedPrefix, { kind: "group" }>>();
  for (const { prefixGroup: key, prefixTokens: tokens } of rows) {
    if (key !== undefined && tokens > 0 && !groups.has(key)) groups.set(key, { kind: "group", key, tokens });
  }
  return ({ prefixGroup }) => (prefixGroup === undefined ? undefined : groups.get(prefixGroup));
};
