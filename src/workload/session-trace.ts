import type { EncoderItem, Request, SharedPrefix } from "../model/request.ts";
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
  #starts: SessionRow[] | undefined;
  /** Rows after the first, by session; in a closed loop only. */
  #followers = new Map<string, SessionRow[]>();
  /** Whole prompts of rows that accumulate in an open loop. */
  #grown = new Map<SessionRow, number>();
  #prefixes: ReadonlyMap<string, GroupPrefix> = new Map();
  /** The trace's own instant at which the run begins. */
  #from = 0;
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
    const row = this.#starts.pop();
    if (row === undefined) return { kind: "ended" };
    const request = this.#requestOf(row);
    this.#begin(row, request);
    return { kind: "request", request };
  }

  /** An id that no row has. */
  readonly freeId = (): number => this.#freeId();

  ended(ended: EndedRequest, now: SimTime): readonly Request[] {
    return this.#live.ended(ended, now);
  }

  #closedLoop(): boolean {
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
    if (this.#closedLoop() ? round === due : round >= due) return undefined;
    const before = last === undefined ? "nothing of that session stands before it" : `${last} stands before it`;
    const wanted = this.#closedLoop() ? `it must be ${due}` : `it must be at least ${due}`;
    return `round_index of session ${JSON.stringify(session)} is ${round}, and ${before}; ${wanted}: rounds stand in order, from 0 on`;
  }

  #roundOf({ round }: SessionRow, session: string): number {
    return round ?? (this.#rounds.get(session) ?? -1) + 1;
  }

  /** @returns what to begin with, the last one first */
  #arrange(): SessionRow[] {
    const rows = this.#held;
    [this.#held, this.#rounds] = [[], new Map()];
    let [first, last] = [Number.POSITIVE_INFINITY, 0];
    for (const { at } of rows) [first, last] = [Math.min(first, at), Math.max(last, at)];
    const origin = this.#replay.clock === "zero" ? 0 : first;
    this.#from = origin + this.#options.startOffsetMicros;
    this.#prefixes = prefixesOf(rows);
    const starts = (this.#closedLoop() ? this.#firsts(rows) : this.#grow(rows)).filter(({ at }) => at >= this.#from);
    if (starts.length === 0) throw noRequests(this.#rows, rows.length === 0 ? undefined : last - origin, this.#options);
    // The sort is stable: at one instant as they stand in the trace, but in a closed loop sessions first, as BLIS has it.
    const rank = ({ session }: SessionRow): number => Number(this.#closedLoop() && session === undefined);
    return starts.sort((a, b) => a.at - b.at || rank(a) - rank(b)).reverse();
  }

  /** The rows that wait for no other; the rest is kept beside. */
  #firsts(rows: readonly SessionRow[]): SessionRow[] {
    return rows.filter((row) => {
      if (row.session === undefined) return true;
      const followers = this.#followers.get(row.session);
      if (followers === undefined) this.#followers.set(row.session, []);
      else followers.push(row);
      return followers === undefined;
    });
  }

  /** All rows, their prompts grown as they were recorded if the context accumulates. */
  #grow(rows: SessionRow[]): SessionRow[] {
    if (this.#replay.contextGrowth !== "accumulate") return rows;
    const contexts = new Map<string, number>();
    for (const row of rows) {
      if (row.session === undefined) continue;
      const before = contexts.get(row.session) ?? this.#prefixOf(row)?.tokens ?? 0;
      this.#grown.set(row, before + row.promptTokens);
      contexts.set(row.session, before + row.promptTokens + row.outputTokens);
    }
    return rows;
  }

  #requestOf(row: SessionRow): Request {
    const { id, session, outputTokens, labels } = row;
    const prefix = this.#prefixOf(row);
    const arrival = arrivalOf(row.at - this.#from, this.#options.rateScale);
    return {
      id: id ?? this.#freeId(),
      arrival,
      promptTokens: this.#grown.get(row) ?? row.promptTokens + (prefix?.tokens ?? 0),
      outputTokens,
      maxTokens: outputTokens,
      ...(prefix === undefined ? {} : { prefix }),
      ...(session === undefined ? {} : { session }),
      ...(session === undefined || this.#replay.contextGrowth === "none" ? {} : { conversation: session }),
      ...this.#itemsOf(row, prefix?.tokens ?? 0),
      ...deadlineOf(arrival, row.patienceMicros),
      ...labels,
    };
  }

  /** A row's images and the like, behind what stands before its own tokens. */
  #itemsOf(row: SessionRow, prefix: number): Pick<Request, "encoderItems"> {
    const { encoderItems, promptTokens } = row;
    if (encoderItems === undefined) return {};
    const before = (this.#grown.get(row) ?? promptTokens + prefix) - promptTokens;
    return { encoderItems: moved(encoderItems, before) };
  }

  #prefixOf({ prefixGroup }: SessionRow): GroupPrefix | undefined {
    return prefixGroup === undefined ? undefined : this.#prefixes.get(prefixGroup);
  }

  #begin(row: SessionRow, first: Request): void {
    const followers = row.session === undefined ? undefined : this.#followers.get(row.session);
    if (followers === undefined || row.session === undefined) return;
    this.#followers.delete(row.session);
    const recorded = followers.some(({ thinkMicros = 0 }) => thinkMicros > 0);
    const shared = this.#replay.contextGrowth === "accumulate" ? 0 : (this.#prefixOf(row)?.tokens ?? 0);
    const rounds = followers.map((next, i): Round => {
      const gap = Math.max(0, next.arrivalAt - (followers[i - 1] ?? row).arrivalAt);
      return {
        id: next.id ?? this.#freeId(),
        promptTokens: next.promptTokens + shared,
        outputTokens: next.outputTokens,
        thinkMicros: this.#scaled(recorded ? (next.thinkMicros ?? 0) : gap),
        patienceMicros: next.patienceMicros ?? SESSION_PATIENCE_MICROS,
        // Contexts that accumulate keep what they have; else a round has its own, or none.
        ...(next.encoderItems === undefined && first.encoderItems === undefined
          ? {}
          : { encoderItems: moved(next.encoderItems ?? [], shared) }),
      };
    });
    this.#live.begin(first, this.#replay.contextGrowth, rounds);
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

const moved = (items: readonly EncoderItem[], by: number): readonly EncoderItem[] =>
  items.map((item) => ({ ...item, offset: item.offset + by }));

type GroupPrefix = Extract<SharedPrefix, { kind: "group" }>;

/** All of a group share a prefix as long as the first one that the trace has of it. */
const prefixesOf = (rows: readonly SessionRow[]): ReadonlyMap<string, GroupPrefix> => {
  const groups = new Map<string, GroupPrefix>();
  for (const { prefixGroup: key, prefixTokens: tokens } of rows) {
    if (key !== undefined && tokens > 0 && !groups.has(key)) groups.set(key, { kind: "group", key, tokens });
  }
  return groups;
};
