import { describe, expect, it } from "vitest";
import type { Request } from "../../../src/model/request.ts";
import type { SimTime } from "../../../src/sim/time.ts";
import type { TraceFormat, TraceSaid, TraceSource } from "../../../src/workload/traces/index.ts";
import { drain, openTrace, readTrace } from "../drain.ts";

const call = (said: object) => ({
  t: 0,
  type: "n",
  in: 100,
  out: 5,
  hash_ids: [1],
  think_time: 0,
  api_time: 2,
  ...said,
});
const session = (...requests: object[]): string =>
  JSON.stringify({ id: "s", block_size: 64, hash_id_scope: "local", requests });

const received = (session_id: string, at: number, total: number, said: object = {}, parent?: string): string =>
  JSON.stringify({
    timestamp: 0,
    event: {
      schema: "dynamo.request.trace.v1",
      event_type: "request_end",
      agent_context: { session_id, ...(parent === undefined ? {} : { parent_session_id: parent }) },
      request: {
        request_id: `${session_id}-${at}`,
        input_tokens: 20,
        output_tokens: 5,
        request_received_ms: 1_779_163_048_815 + at,
        total_time_ms: total,
        replay: { trace_block_size: 16, input_length: 20, input_sequence_hashes: [2 ** 63, 2] },
        ...said,
      },
    },
  });

/** Everything that follows, each request taking as long as told. */
const play = (source: TraceSource, text: string, serviceMicros: number): Request[] => {
  const open = drain(source, [text]);
  const all: Request[] = [];
  while (open.length > 0) {
    open.sort((a, b) => a.arrival - b.arrival || a.id - b.id);
    const request = open.shift() as Request;
    all.push(request);
    const ended = { request, outcome: "stop", outputTokens: request.outputTokens } as const;
    open.push(...(source.ended?.(ended, (request.arrival + serviceMicros) as SimTime) ?? []));
  }
  return all;
};
const seen = (requests: readonly Request[]) => requests.map(({ session: name, arrival }) => [name, arrival / 1e6]);

describe("agentic-coding", () => {
  const trace = session(
    call({ in: 130, hash_ids: [1, 2] }),
    { t: 3, type: "subagent", agent_id: "a", requests: [call({ t: 0 }), call({ t: 4, think_time: 2 })] },
    { t: 3, type: "subagent", agent_id: "late", requests: [call({ t: 1 }), call({ t: 20, think_time: 1 })] },
    call({ t: 10, think_time: 8, in: 200, hash_ids: [1, 2, 3] }),
    call({ t: 13, think_time: 1, in: 201, hash_ids: [1, 2, 3, 9] }),
  );

  it("goes through a session in a closed loop: sub-agents begin, and are waited for, as they were", () => {
    // Each call takes 5 s here, of 2 s when it was recorded.
    expect(seen(play(openTrace("agentic-coding"), trace, 5e6))).toEqual([
      ["s", 0],
      ["s/a", 6], // 1 s after the call that started it
      ["s/late", 7],
      ["s/a", 13], // 2 s after its first answer
      ["s/late", 13], // 1 s after
      ["s", 19], // 1 s after the sub-agent that it waited for
      ["s", 25], // 1 s of thought
    ]);
  });

  it("takes the same calls at their times in an open loop", () => {
    const requests = readTrace("agentic-coding", trace, {
      replay: { sessions: "open-loop", contextGrowth: "recorded", clock: "first-row" },
    });
    expect(seen(requests)).toEqual([
      ["s", 0],
      ["s/a", 3],
      ["s/late", 4],
      ["s/a", 7],
      ["s", 10],
      ["s", 13],
      ["s/late", 23],
    ]);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(7);
  });

  it("keeps the blocks of two sessions apart, and those of one together", () => {
    const requests = play(openTrace("agentic-coding"), `${trace}\n${session(call({}))}`, 1);
    const first = requests.find(({ promptTokens }) => promptTokens === 200);
    expect(first).toMatchObject({
      maxTokens: 5,
      prefix: { kind: "blocks", ids: [1, 2, 3], blockTokens: 64 },
    });
    const ids = requests
      .filter(({ arrival }) => arrival === 0)
      .map(({ prefix }) => prefix?.kind === "blocks" && prefix.ids[0]);
    expect(ids).toEqual([1, 2 ** 32 + 1]);
    expect(first).not.toHaveProperty("conversation");
  });

  it("ends a sub-agent that fails, and its parent goes on", () => {
    const source = openTrace("agentic-coding");
    const [first] = drain(source, [trace]) as [Request];
    const started = source.ended?.({ request: first, outcome: "stop", outputTokens: 5 }, 2e6 as SimTime) ?? [];
    const [a, late] = started as readonly [Request, Request];
    expect(source.ended?.({ request: late, outcome: "aborted", outputTokens: 0 }, 5e6 as SimTime)).toEqual([]);
    const [next] = source.ended?.({ request: a, outcome: "timed-out", outputTokens: 0 }, 6e6 as SimTime) ?? [];
    expect(next).toMatchObject({ session: "s", arrival: 7e6, promptTokens: 200 });
  });

  it.each([
    ["no JSON", "{", "it is not a JSON object"],
    ["no block size", JSON.stringify({ requests: [] }), "block_size is"],
    ["no requests", JSON.stringify({ block_size: 64 }), "requests is not a list"],
    [
      "hashes that contradict the length",
      session(call({ in: 200 })),
      "requests[0].hash_ids has 1 ids; a prompt of 200 tokens has 3 or 4 blocks of 64",
    ],
    [
      "time that runs back",
      session(call({ t: 5 }), call({ t: 4 })),
      "requests[1].t is 4, before the request before it",
    ],
    ["a negative think time", session(call({ think_time: -1 })), "requests[0].think_time is -1; it must be seconds"],
    ["no output", session(call({ out: 0 })), 'requests[0].out is "0"'],
    [
      "a sub-agent's fault",
      session(call({}), { t: 1, type: "subagent", requests: [call({ in: 0 })] }),
      "requests[1].requests[0].in",
    ],
    ["an unknown scope", JSON.stringify({ block_size: 64, hash_id_scope: "mine", requests: [] }), "hash_id_scope"],
  ])("says what is wrong: %s", (_name, line, message) => {
    const read = () => readTrace("agentic-coding", `${trace}\n${line}\n`);
    expect(read).toThrow(message);
    expect(read).toThrow(/^line 2: /);
  });
});

describe("dynamo-agent", () => {
  const tool = JSON.stringify({
    timestamp: 0,
    event: { schema: "dynamo.request.trace.v1", event_type: "tool_end", agent_context: {}, tool: { tool_class: "ls" } },
  });
  // In order of completion: the child's call before the parent's second.
  const trace = [
    received("root", 1000, 500),
    tool,
    received("child", 2000, 1000, {}, "root"),
    received("root", 3100, 500),
    received("orphan", 1000, 100, {}, "nobody"),
  ].join("\n");

  it("starts sessions with the calls that started them; tools are think time", () => {
    expect(seen(play(openTrace("dynamo-agent"), trace, 2e6))).toEqual([
      ["root", 0],
      ["orphan", 0],
      ["child", 2.5],
      ["root", 4.6],
    ]);
  });

  it("numbers hashes of 64 bits", () => {
    const [request] = readTrace("dynamo-agent", trace);
    expect(request).toMatchObject({ promptTokens: 20, prefix: { kind: "blocks", ids: [0, 1], blockTokens: 16 } });
  });

  it.each([
    ["another schema", '{"event":{"schema":"v2"}}', 'event.schema is "v2"'],
    [
      "another event",
      '{"event":{"schema":"dynamo.request.trace.v1","event_type":"request_start"}}',
      "event.event_type is",
    ],
    ["no event", "{}", "it holds no event"],
    ["two lengths", received("x", 0, 1, { input_tokens: 21 }), "replay.input_length is 20, and input_tokens is 21"],
    [
      "hashes that contradict the length",
      received("x", 0, 1, { replay: { trace_block_size: 16, input_length: 20, input_sequence_hashes: [1] } }),
      "replay.input_sequence_hashes has 1 ids; a prompt of 20 tokens has 2 blocks of 16",
    ],
    ["no time", received("x", 0, 1, { request_received_ms: "soon" }), 'request_received_ms is "soon"'],
  ])("says what is wrong: %s", (_name, line, message) => {
    const read = () => readTrace("dynamo-agent", `${tool}\n${line}\n`);
    expect(read).toThrow(message);
    expect(read).toThrow(/^line 2: /);
  });
});

describe.each<[TraceFormat, string]>([
  ["agentic-coding", session(call({}), call({ t: 9 }))],
  ["dynamo-agent", [received("a", 0, 1), received("a", 9000, 1)].join("\n")],
])("%s", (format, text) => {
  it("skips and counts broken lines, bounds requests, and says when there are none", () => {
    const source = openTrace(format, { onError: "Skip" });
    expect(drain(source, [`nothing\n${text}`])).toHaveLength(1);
    expect(source.skipped).toMatchObject({ lines: 1, firstLine: 1 });
    const open = (options: Partial<TraceSaid>) => () => readTrace(format, text, options);
    expect(open({ maxRequests: 1 })).toThrow("more than 1 requests");
    expect(open({ startOffsetMicros: 3600e6 as never })).toThrow("before the start offset is over");
    expect(() => readTrace(format, "")).toThrow("the trace holds no request");
  });
});
