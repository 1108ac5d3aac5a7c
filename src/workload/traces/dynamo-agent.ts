import { isMapping } from "../../model/mapping.ts";
import { type AgentCall, type AgentReader, type AgentSession, giveStarts } from "../agent-trace.ts";
import { blockPrefix, objectOf, written } from "../json-row.ts";
import { type Broken, broken, isTokenCount, notTokenCount } from "../trace-row.ts";

/** In milliseconds since 1970: the year 2286. */
const UNIX_MS_MAX = 1e13;
const DURATION_MS_MAX = 1e9;

type Row =
  | {
      readonly kind: "call";
      readonly session: string;
      readonly parent: string | undefined;
      readonly call: Omit<AgentCall, "starts">;
    }
  /** A tool's event: its time is part of the think time before the next call. */
  | { readonly kind: "tool" };

/**
 * Requests of agents as NVIDIA Dynamo records them (`dynamo.request.trace.v1`; github.com/ai-dynamo/dynamo @2a6da14c,
 * `lib/bench/testdata/`): one event per line, in order of completion. `request_end` tells a request with its session, the
 * session that started that one, and the hashes of its prompt's blocks; tools' events are read for their form only.
 */
export const dynamoAgent = (): AgentReader<Row> => {
  const known = new Map<number, number>();
  /** Hashes have 64 bits, of which a double keeps 53: enough to tell them apart, but no whole number that can be counted on. */
  const idOf = (hash: number): number => {
    const id = known.get(hash) ?? known.size;
    known.set(hash, id);
    return id;
  };
  return { row: (line) => rowOf(line, idOf), arrange };
};

const rowOf = (line: string, idOf: (hash: number) => number): Row | Broken => {
  const event = objectOf(line)?.event;
  if (!isMapping(event)) return broken('it holds no event; it must be like {"timestamp": 0, "event": {…}}');
  if (event.schema !== "dynamo.request.trace.v1") {
    return broken(`event.schema is ${written(event.schema)}; it must be "dynamo.request.trace.v1"`);
  }
  if (event.event_type !== "request_end") {
    const isTool = typeof event.event_type === "string" && event.event_type.startsWith("tool_");
    return isTool
      ? { kind: "tool" }
      : broken(`event.event_type is ${written(event.event_type)}; it must be request_end or a tool's`);
  }
  const { agent_context: agent = {}, request } = event;
  if (!isMapping(agent)) return broken(`event.agent_context is ${written(agent)}; it must be an object`);
  if (!isMapping(request)) return broken(`event.request is ${written(request)}; it must be an object`);
  const { session_id: session = `request-${String(request.request_id)}`, parent_session_id: parent } = agent;
  const call = callOf(request, idOf);
  if ("kind" in call) return call;
  return { kind: "call", session: String(session), parent: parent === undefined ? undefined : String(parent), call };
};

const callOf = (
  request: Readonly<Record<string, unknown>>,
  idOf: (hash: number) => number,
): Omit<AgentCall, "starts"> | Broken => {
  const { input_tokens: promptTokens, output_tokens: outputTokens, request_received_ms: received } = request;
  const { total_time_ms: total = 0, replay } = request;
  if (!isTokenCount(promptTokens)) return notTokenCount("input_tokens", written(promptTokens));
  if (!isTokenCount(outputTokens)) return notTokenCount("output_tokens", written(outputTokens));
  if (!isWithin(received, UNIX_MS_MAX)) {
    return broken(`request_received_ms is ${written(received)}; it must be milliseconds since 1970`);
  }
  if (!isWithin(total, DURATION_MS_MAX)) return broken(`total_time_ms is ${written(total)}; it must be milliseconds`);
  const prefix = prefixOf(replay, promptTokens, idOf);
  if (prefix?.kind === "broken") return prefix;
  return {
    at: Math.round(received * 1000),
    endAt: Math.round((received + total) * 1000),
    promptTokens,
    outputTokens,
    ...(prefix === undefined ? {} : { prefix }),
  };
};

const isWithin = (value: unknown, most: number): value is number =>
  typeof value === "number" && value >= 0 && value <= most;

const prefixOf = (replay: unknown, promptTokens: number, idOf: (hash: number) => number) => {
  if (replay === undefined || replay === null) return undefined;
  if (!isMapping(replay)) return broken(`replay is ${written(replay)}; it must be an object`);
  const { trace_block_size: blockTokens, input_length: length = promptTokens, input_sequence_hashes: hashes } = replay;
  if (!isTokenCount(blockTokens)) return notTokenCount("replay.trace_block_size", written(blockTokens));
  if (length !== promptTokens) {
    return broken(`replay.input_length is ${written(length)}, and input_tokens is ${promptTokens}; they must be equal`);
  }
  return blockPrefix(hashes, promptTokens, blockTokens, "replay.input_sequence_hashes", idOf, "always");
};

type Call = Extract<Row, { kind: "call" }>;

const arrange = (rows: readonly Row[]): readonly AgentSession[] => {
  const calls = rows.flatMap((row) => (row.kind === "call" ? [row] : [])).sort((a, b) => a.call.at - b.call.at);
  const sessions = new Map<string, Call[]>();
  for (const row of calls) {
    const known = sessions.get(row.session);
    if (known === undefined) sessions.set(row.session, [row]);
    else known.push(row);
  }
  const children = new Map<string, string[]>();
  const roots: string[] = [];
  for (const [name, [first]] of sessions) {
    const parent = first?.parent;
    // One that names itself, or comes before its parent, begins by itself: so no circle can be left out.
    const known = parent === undefined ? undefined : sessions.get(parent)?.[0];
    if (parent === undefined || known === undefined || known.call.at >= (first as Call).call.at) roots.push(name);
    else children.set(parent, [...(children.get(parent) ?? []), name]);
  }
  const build = (name: string): AgentSession => {
    const own = (sessions.get(name) as Call[]).map(({ call }) => call);
    return { name, calls: giveStarts(own, (children.get(name) ?? []).map(build)).calls };
  };
  return roots.map(build);
};
