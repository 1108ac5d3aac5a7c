import { type AgentCall, type AgentReader, type AgentSession, giveStarts } from "../agent-trace.ts";
import { blockPrefix, isSeconds, objectOf, written } from "../json-row.ts";
import { type Broken, broken, isTokenCount, notTokenCount } from "../trace-row.ts";

/** A session may be of megabytes, and its publisher writes it on one line. */
const LINE_MAX = 16 * 2 ** 20;
/** Ids of one session lie below it. */
const IDS_MAX = 2 ** 32;

interface Row {
  readonly kind: "session";
  readonly sessions: readonly AgentSession[];
}

/**
 * Sessions of coding agents (github.com/callanjfox/kv-cache-tester @94f6046d, `traces/`): one JSON object per line, or one
 * file's one line, with `requests` of `t` (seconds from the session's start), `in` and `out` tokens, `hash_ids` of its prompt's
 * blocks, `think_time` and `api_time`; a `subagent` among them holds requests of its own, from its own start on. Ids mean
 * nothing across sessions (`hash_id_scope: local`). Sessions have no start of their own: all begin at once. Of the last,
 * partial block there may be an id or none.
 */
export const agenticCoding = (): AgentReader<Row> => {
  let read = 0;
  return {
    lineMax: LINE_MAX,
    row(line) {
      read += 1;
      return sessionOf(line, read - 1);
    },
    arrange: (rows) => rows.flatMap(({ sessions }) => sessions),
  };
};

interface Parts {
  readonly name: string;
  readonly blockTokens: number;
  /** Added to every id, so that those of two sessions differ. */
  readonly idBase: number;
}

const sessionOf = (line: string, index: number): Row | Broken => {
  const said = objectOf(line);
  if (said === undefined) return broken("it is not a JSON object; it must hold one session");
  const { id = `session-${index}`, block_size: blockTokens, hash_id_scope: scope = "local", requests } = said;
  if (typeof id !== "string") return broken(`id is ${written(id)}; it must be text`);
  if (!isTokenCount(blockTokens)) return notTokenCount("block_size", written(blockTokens));
  if (scope !== "local" && scope !== "global") {
    return broken(`hash_id_scope is ${written(scope)}; it must be local or global`);
  }
  const parts = { name: id, blockTokens, idBase: scope === "local" ? index * IDS_MAX : 0 };
  const read = readCalls(requests, "requests", 0, parts);
  return "kind" in read ? read : { kind: "session", sessions: read.sessions };
};

/** @param origin of the list's own times, in microseconds of the session */
const readCalls = (
  requests: unknown,
  where: string,
  origin: number,
  parts: Parts,
): Broken | { readonly sessions: readonly AgentSession[] } => {
  if (!Array.isArray(requests)) return broken(`${where} is not a list`);
  const calls: { said: Readonly<Record<string, unknown>>; call: Omit<AgentCall, "starts" | "endAt"> }[] = [];
  const subAgents: AgentSession[] = [];
  for (const [i, entry] of requests.entries()) {
    const place = `${where}[${i}]`;
    if (typeof entry !== "object" || entry === null) return broken(`${place} is not an object`);
    const said = entry as Readonly<Record<string, unknown>>;
    if (!isSeconds(said.t)) return broken(`${place}.t is ${written(said.t)}; it must be seconds from the start`);
    const at = origin + Math.round(said.t * 1e6);
    if (said.type === "subagent") {
      const name = `${parts.name}/${typeof said.agent_id === "string" ? said.agent_id : i}`;
      const inner = readCalls(said.requests, `${place}.requests`, at, { ...parts, name });
      if ("kind" in inner) return inner;
      subAgents.push(...inner.sessions);
      continue;
    }
    const before = calls.at(-1)?.call.at ?? 0;
    if (at < before)
      return broken(`${place}.t is ${said.t}, before the request before it; they must be in order of time`);
    const call = callOf(said, place, at, parts);
    if ("kind" in call) return call;
    calls.push({ said, call });
  }
  const ended = calls.map(({ said, call }, i) => ({ ...call, endAt: endOf(said, call.at, calls[i + 1]?.call) }));
  const { calls: whole, early } = giveStarts(ended, subAgents);
  return { sessions: whole.length === 0 ? early : [...early, { name: parts.name, calls: whole }] };
};

const callOf = (
  said: Readonly<Record<string, unknown>>,
  place: string,
  at: number,
  { blockTokens, idBase }: Parts,
): Omit<AgentCall, "starts" | "endAt"> | Broken => {
  const { in: promptTokens, out: outputTokens, hash_ids: ids, think_time: think, api_time: api } = said;
  if (!isTokenCount(promptTokens)) return notTokenCount(`${place}.in`, written(promptTokens));
  if (!isTokenCount(outputTokens)) return notTokenCount(`${place}.out`, written(outputTokens));
  for (const [name, value] of [
    ["think_time", think],
    ["api_time", api],
  ] as const) {
    if (value !== undefined && !isSeconds(value))
      return broken(`${place}.${name} is ${written(value)}; it must be seconds`);
  }
  const prefix = blockPrefix(ids, promptTokens, blockTokens, `${place}.hash_ids`, (id) => idBase + id, "full");
  if (prefix.kind === "broken") return prefix;
  return {
    at,
    promptTokens,
    outputTokens,
    ...(prefix.ids.length === 0 ? {} : { prefix }),
    ...(isSeconds(think) ? { thinkMicros: Math.round(think * 1e6) } : {}),
  };
};

/** Where the answer's time is missing, it ended the next call's think time before that. */
const endOf = (
  { api_time: api }: Readonly<Record<string, unknown>>,
  at: number,
  next: Omit<AgentCall, "starts" | "endAt"> | undefined,
): number => {
  if (isSeconds(api)) return at + Math.round(api * 1e6);
  if (next?.thinkMicros === undefined) return at;
  return Math.max(at, next.at - next.thinkMicros);
};
