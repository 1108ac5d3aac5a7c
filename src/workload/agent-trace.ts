import type { Request, SharedPrefix } from "../model/request.ts";
import { type Micros, micros, type SimTime } from "../sim/time.ts";
import { type EndedRequest, type Fork, LiveSessions, NOTHING, type Round, roundsOf } from "./live-sessions.ts";
import type { ReplayOptions } from "./session-trace.ts";
import type { Drawn, PassedOver, WorkloadSource } from "./source.ts";
import { arrivalOf, noRequests, type TraceOptions, tooMany } from "./trace-reader.ts";
import type { RowReader } from "./trace-row.ts";
import { NONE_PASSED, TraceRows } from "./trace-rows.ts";

/** One session of an agent, or of a sub-agent, as it was recorded. Instants are whole microseconds on the trace's clock. */
export interface AgentSession {
  readonly name: string;
  /** At least one, in order of time. */
  readonly calls: readonly AgentCall[];
}

/** A request of an agent. */
export interface AgentCall {
  readonly at: number;
  /** When its answer was complete. */
  readonly endAt: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prefix?: SharedPrefix | undefined;
  /** From the end of the call before; left out: what lies between the two instants. */
  readonly thinkMicros?: number | undefined;
  /** Sub-agents that were started after this call and before the next. */
  readonly starts: readonly AgentSession[];
}

/** Makes rows of lines, and sessions of all rows: those that no other starts, in any order. */
export interface AgentReader<Row> extends RowReader<Row> {
  arrange(rows: readonly Row[]): readonly AgentSession[];
}

/**
 * Replays sessions of agents. Closed loop (the default): a call comes its think time (which tools take up) after the answer
 * before it; a sub-agent begins as long after the call that started it as it did, and an agent that waited for its sub-agents
 * waits for them again. Open loop: each call at its time. Prompts are as they were recorded, whole, whatever the outputs were;
 * what they share is told by block ids alone, so the blocks of an output are not found again by the call after it. The
 * models that they named are passed over: the mirrored specs say what serves them.
 * The trace is read to its end before the first request.
 */
export class AgentTrace<Row extends { readonly kind: string }> implements WorkloadSource {
  readonly #reader: AgentReader<Row>;
  readonly #rows: TraceRows<Row>;
  readonly #options: TraceOptions;
  readonly #closedLoop: boolean;
  readonly #live: LiveSessions;
  #held: Row[] = [];
  /** What to begin with, the last one first; undefined until the trace is read. */
  #starts: { readonly session: AgentSession; readonly call: AgentCall }[] | undefined;
  #origin = 0;
  #ids = 0;

  constructor(reader: AgentReader<Row>, options: TraceOptions, sessions: ReplayOptions["sessions"]) {
    this.#reader = reader;
    this.#rows = new TraceRows(reader, options.onError);
    this.#options = options;
    this.#closedLoop = sessions !== "open-loop";
    this.#live = new LiveSessions(this.freeId);
  }

  get skipped(): PassedOver {
    return this.#rows.skipped;
  }

  get dropped(): PassedOver {
    return NONE_PASSED;
  }

  readonly freeId = (): number => {
    this.#ids += 1;
    return this.#ids - 1;
  };

  feed(text: string | undefined): void {
    this.#rows.feed(text);
  }

  /** @throws TraceError on a broken line, a trace without requests or with too many */
  next(): Drawn {
    while (this.#starts === undefined) {
      const next = this.#rows.next();
      if (next.kind === "starved") return next;
      if (next.kind === "row") this.#held.push(next.row);
      else this.#starts = this.#arrange();
    }
    const start = this.#starts.pop();
    if (start === undefined) return { kind: "ended" };
    const { session, call } = start;
    const request: Request = {
      ...headOf(session, call),
      id: this.freeId(),
      arrival: arrivalOf(call.at - this.#origin - this.#options.startOffsetMicros, this.#options.rateScale),
    };
    if (this.#closedLoop) {
      const [first, ...rounds] = this.#roundsOf(session);
      this.#live.begin(request, "recorded", rounds, first?.forks);
    }
    return { kind: "request", request };
  }

  ended(ended: EndedRequest, now: SimTime): readonly Request[] {
    return this.#closedLoop ? this.#live.ended(ended, now) : NOTHING;
  }

  #arrange(): { session: AgentSession; call: AgentCall }[] {
    const sessions = this.#reader.arrange(this.#held);
    this.#held = [];
    const calls = sessions.flatMap(callsOf);
    const { maxRequests, startOffsetMicros } = this.#options;
    if (calls.length > maxRequests) throw tooMany(this.#rows.line, maxRequests);
    let [first, last] = [Number.POSITIVE_INFINITY, 0];
    for (const { call } of calls) [first, last] = [Math.min(first, call.at), Math.max(last, call.at)];
    this.#origin = calls.length === 0 ? 0 : first;
    const all = this.#closedLoop
      ? sessions.map((session) => ({ session, call: session.calls[0] as AgentCall }))
      : calls;
    const starts = all.filter(({ call }) => call.at >= this.#origin + startOffsetMicros);
    if (starts.length === 0) {
      throw noRequests(this.#rows, calls.length === 0 ? undefined : last - first, this.#options);
    }
    return starts.sort((a, b) => a.call.at - b.call.at).reverse();
  }

  /** All calls of a session as rounds; of the first one only what it starts is of use. */
  #roundsOf({ calls }: AgentSession): readonly Round[] {
    return calls.map((call, i): Round => {
      const before = calls[i - 1];
      const next = calls[i + 1];
      const joined = before?.starts.filter((session) => isJoined(session, call)) ?? [];
      const ready = Math.max(...joined.map(endOf));
      const think = call.thinkMicros ?? (before === undefined ? 0 : call.at - before.endAt);
      const forks = call.starts.map((session) => this.#forkOf(session, call, next));
      return {
        promptTokens: call.promptTokens,
        outputTokens: call.outputTokens,
        thinkMicros: this.#scaled(think),
        ...(call.prefix === undefined ? {} : { prefix: call.prefix }),
        ...(forks.length === 0 ? {} : { forks }),
        ...(joined.length === 0 ? {} : { joinMicros: this.#scaled(call.at - ready) }),
      };
    });
  }

  #forkOf(session: AgentSession, by: AgentCall, next: AgentCall | undefined): Fork {
    const call = session.calls[0] as AgentCall;
    const [first, ...rounds] = this.#roundsOf(session);
    return {
      first: headOf(session, call),
      delayMicros: this.#scaled(call.at - by.endAt),
      growth: "recorded",
      rounds: roundsOf(rounds),
      joined: next !== undefined && isJoined(session, next),
      ...(first?.forks === undefined ? {} : { forks: first.forks }),
    };
  }

  #scaled(length: number): Micros {
    return micros(Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(length / this.#options.rateScale))));
  }
}

const headOf = ({ name }: AgentSession, call: AgentCall): Omit<Request, "id" | "arrival"> => ({
  promptTokens: call.promptTokens,
  outputTokens: call.outputTokens,
  maxTokens: call.outputTokens,
  session: name,
  ...(call.prefix === undefined ? {} : { prefix: call.prefix }),
});

const callsOf = (session: AgentSession): { session: AgentSession; call: AgentCall }[] =>
  session.calls.flatMap((call) => [{ session, call }, ...call.starts.flatMap(callsOf)]);

const endOf = ({ calls }: AgentSession): number => (calls.at(-1) as AgentCall).endAt;

/** A call that came after all of a sub-agent's had waited for it. */
const isJoined = (session: AgentSession, next: AgentCall): boolean => endOf(session) <= next.at;

/** Gives each sub-agent to the last call of its parent that came before it. @returns those that came before all calls */
export const giveStarts = (
  calls: readonly Omit<AgentCall, "starts">[],
  subAgents: readonly AgentSession[],
): { readonly calls: readonly AgentCall[]; readonly early: readonly AgentSession[] } => {
  const starts = calls.map((): AgentSession[] => []);
  const early: AgentSession[] = [];
  for (const session of subAgents) {
    const { at } = session.calls[0] as AgentCall;
    let by = calls.length - 1;
    while (by >= 0 && (calls[by] as { at: number }).at > at) by -= 1;
    (starts[by] ?? early).push(session);
  }
  return { calls: calls.map((call, i) => ({ ...call, starts: starts[i] as AgentSession[] })), early };
};
