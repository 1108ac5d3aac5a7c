import { describe, expect, it } from "vitest";
import { micros, type SimTime } from "../../../src/sim/time.ts";
import { TraceError, type WorkloadSource } from "../../../src/workload/source.ts";
import type { TraceSaid } from "../../../src/workload/traces/index.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { cut, drain, openTrace } from "../drain.ts";

type Options = Partial<TraceSaid>;
const open = (options: Options = {}) => openTrace("blis-v2", options);
const read = (lines: readonly string[], options: Options = {}) => drain(open(options), [lines.join("\n")]);
const replay = (over: Partial<NonNullable<TraceSaid["replay"]>>): Options => ({
  replay: { sessions: "auto", contextGrowth: "none", clock: "zero", ...over },
});

/** As BLIS writes it, every column there. */
const FULL =
  "request_id,client_id,tenant_id,slo_class,vllm_priority,session_id,round_index,prefix_group,prefix_length,streaming,input_tokens,output_tokens,text_tokens,image_tokens,audio_tokens,video_tokens,reason_ratio,model,deadline_us,slo_target_us,server_input_tokens,arrival_time_us,send_time_us,first_chunk_time_us,last_chunk_time_us,num_chunks,status,error_message,finish_reason,x_request_id,adapter,think_time_us";
const SHORT = "request_id,arrival_time_us,input_tokens,output_tokens";

describe("a row", () => {
  it("says all that a request's head has", () => {
    const row =
      "7,alice,acme,critical,2,,0,docs,64,true,100,20,0,0,0,0,0,llama,5000,0,0,1000,1000,0,0,0,ok,,stop,uuid,lora-a,0";
    expect(read([FULL, row])).toEqual([
      {
        id: 7,
        arrival: 1000,
        promptTokens: 164,
        outputTokens: 20,
        maxTokens: 20,
        prefix: { kind: "group", key: "docs", tokens: 64 },
        deadline: 5000,
        client: "alice",
        tenant: "acme",
        sloClass: "critical",
        model: "llama",
        adapter: "lora-a",
        priority: 2,
      },
    ]);
  });

  it("needs three columns only, in any order, and gets an id", () => {
    const trace = ["output_tokens,other,arrival_time_us,input_tokens", "3,x,9,5", "4,y,11,6"];
    expect(read(trace)).toEqual([
      { id: 0, arrival: 9, promptTokens: 5, outputTokens: 3, maxTokens: 3 },
      { id: 1, arrival: 11, promptTokens: 6, outputTokens: 4, maxTokens: 4 },
    ]);
  });

  it("of a group has a prefix as long as the group's first, whatever its own says", () => {
    const trace = [
      `${SHORT},prefix_group,prefix_length`,
      "0,0,10,1,a,0",
      "1,1,10,1,a,32",
      "2,2,10,1,a,99",
      "3,3,10,1,,50",
    ];
    expect(read(trace).map(({ promptTokens }) => promptTokens)).toEqual([42, 42, 42, 10]);
  });

  it("goes by what the server counted, but for prompts with a prefix", () => {
    const trace = [
      `${SHORT},server_input_tokens,prefix_group,prefix_length`,
      "0,0,10,1,12,,0",
      "1,1,10,1,44,a,32",
      "2,2,10,1,0,,0",
    ];
    expect(read(trace).map(({ promptTokens }) => promptTokens)).toEqual([12, 42, 10]);
  });

  it("comes when it was sent, on a clock that starts with the first one if it is a wall's", () => {
    const epoch = 1_700_000_000_000_000;
    const trace = [`${SHORT},send_time_us,deadline_us`, `0,100,10,1,${epoch + 5},0`, `1,50,10,1,${epoch},2050`];
    const requests = read(trace, replay({ clock: "first-row" }));
    expect(requests.map(({ id, arrival, deadline }) => [id, arrival, deadline])).toEqual([
      [1, 0, 2000],
      [0, 5, undefined],
    ]);
  });

  it("without output makes one token", () => {
    expect(read([SHORT, "0,0,10,0"])[0]).toMatchObject({ outputTokens: 1, maxTokens: 1 });
  });

  it("may hold quoted fields, with commas, quotes and line ends in them", () => {
    const trace = [
      `${SHORT},error_message`,
      '0,5,10,1,"no, ""really"""',
      '1,6,10,1,"two',
      'lines, ""and""',
      'three"',
      "2,7,10,1,",
    ];
    expect(read(trace).map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(() => read([...trace, "3,many,10,1,"])).toThrow("line 7: arrival_time_us is");
  });
});

describe("rows", () => {
  it("come in order of time, wherever they stand; at one instant as they stand", () => {
    expect(read([SHORT, "5,30,1,1", "9,10,1,1", "2,30,1,1", "1,0,1,1"]).map(({ id }) => id)).toEqual([1, 9, 5, 2]);
  });

  it("are shifted and scaled; how long clients wait is not", () => {
    const options = { rateScale: 2, startOffsetMicros: micros(100) };
    const trace = [`${SHORT},deadline_us`, "0,50,1,1,0", "1,100,1,1,1100", "2,300,1,1,1300"];
    expect(read(trace, options).map(({ id, arrival, deadline }) => [id, arrival, deadline])).toEqual([
      [1, 0, 1000],
      [2, 100, 1100],
    ]);
  });

  it("tell the same in blocks of any size", () => {
    const lines = [
      `${SHORT},session_id,round_index,error_message`,
      '0,5,10,1,s,0,"a',
      'b"',
      "1,9,10,1,s,1,",
      "x",
      "2,7,10,1,,0,",
    ];
    const whole = open({ onError: "Skip" });
    const expected = drain(whole, [lines.join("\r\n")]);
    expect(expected.map(({ id }) => id)).toEqual([0, 2, 1]);
    forAllSeeds(50, (rng, seed) => {
      const source = open({ onError: "Skip" });
      expect(drain(source, cut(lines.join("\r\n"), 1 + rng.below(9), seed))).toEqual(expected);
      expect(source.skipped).toEqual(whole.skipped);
    });
  });
});

describe("sessions", () => {
  const COLUMNS = `${SHORT},session_id,round_index,think_time_us,prefix_group,prefix_length,deadline_us`;
  const trace = [
    COLUMNS,
    "0,100,10,5,s,0,0,p,32,0",
    "1,900,20,6,s,1,700,p,32,1400",
    "2,950,30,7,,0,0,,0,0",
    "3,2000,40,8,s,2,800,,0,0",
  ];

  it("are closed loops where think times are recorded, else open ones", () => {
    expect(read(trace).map(({ id }) => id)).toEqual([0, 2]);
    expect(read(trace, replay({ sessions: "open-loop" })).map(({ id }) => id)).toEqual([0, 1, 2, 3]);
    const without = trace.map((line) => line.split(",").toSpliced(6, 1).join(","));
    expect(read(without).map(({ id }) => id)).toEqual([0, 1, 2, 3]);
    expect(read(without, replay({ contextGrowth: "accumulate" })).map(({ id }) => id)).toEqual([0, 2]);
  });

  const closed = (options: Options, text = trace) => {
    const source: WorkloadSource = open(options);
    const [first] = drain(source, [text.join("\n")]);
    if (first === undefined) throw new Error("no request");
    const end = (request: typeof first, now: number, outputTokens = request.outputTokens) =>
      source.ended?.({ request, outcome: "stop", outputTokens }, now as SimTime)[0];
    return { first, end };
  };

  it("go on a think time after the end, with the first round's prefix; clients wait as recorded, or 300 s", () => {
    const { first, end } = closed({});
    const second = end(first, 5000);
    expect(second).toEqual({
      id: 1,
      arrival: 5700,
      promptTokens: 52,
      outputTokens: 6,
      maxTokens: 6,
      prefix: { kind: "group", key: "p", tokens: 32 },
      session: "s",
      deadline: 6200,
    });
    const third = end(second as typeof first, 6000);
    expect(third).toMatchObject({ id: 3, arrival: 6800, promptTokens: 72, deadline: 300_006_800 });
    expect(end(third as typeof first, 9000)).toBeUndefined();
  });

  it("accumulate what was said and what really came", () => {
    const { first, end } = closed(replay({ contextGrowth: "accumulate" }));
    expect(first).toMatchObject({ promptTokens: 42, conversation: "s" });
    const second = end(first, 5000, 3);
    expect(second).toMatchObject({ promptTokens: 42 + 3 + 20, conversation: "s" });
    expect(end(second as typeof first, 6000)).toMatchObject({ promptTokens: 65 + 6 + 40 });
  });

  it("accumulate what was recorded in an open loop", () => {
    const requests = read(trace, replay({ sessions: "open-loop", contextGrowth: "accumulate" }));
    expect(requests.map(({ promptTokens }) => promptTokens)).toEqual([42, 42 + 5 + 20, 30, 67 + 6 + 40]);
  });

  it("take prompts as they are where they were recorded whole", () => {
    const requests = read(trace, replay({ sessions: "open-loop", contextGrowth: "recorded" }));
    expect(requests.map(({ promptTokens, conversation }) => [promptTokens, conversation])).toEqual([
      [42, "s"],
      [52, "s"],
      [30, undefined],
      [40, "s"],
    ]);
  });

  it("think as long as arrivals lay apart where nothing else is known", () => {
    const silent = trace.map((line) => line.replace(/,(700|800),/, ",0,"));
    const { first, end } = closed({}, silent);
    const second = end(first, 5000) as typeof first;
    expect(second.arrival).toBe(5800);
    expect(end(second, 10_000)?.arrival).toBe(11_100);
  });

  it("begin before single requests of their instant", () => {
    const lines = [COLUMNS, "0,5,1,1,,0,0,,0,0", "1,5,1,1,s,0,0,,0,0", "2,5,1,1,s,1,9,,0,0"];
    expect(read(lines).map(({ id }) => id)).toEqual([1, 0]);
  });
});

describe("bad input", () => {
  const SESSION = `${SHORT},session_id,round_index`;
  const THINK = `${SESSION},think_time_us`;
  it.each([
    [
      "a missing column",
      ["request_id,input_tokens,output_tokens"],
      "line 1: the header",
      "has no column arrival_time_us",
    ],
    ["too few fields", [SHORT, "0,1,2,3", "1,2,3"], "line 3: it has 3 fields; it must have 4"],
    ["a negative count", [SHORT, "0,1,-2,3"], 'line 2: input_tokens is "-2"; it must be a whole number from 0 to'],
    ["no number", [SHORT, "0,1,2,few"], 'line 2: output_tokens is "few"'],
    ["an empty time", [SHORT, "0,,2,3"], 'line 2: arrival_time_us is ""'],
    ["a fraction", [SHORT, "0,1.5,2,3"], 'line 2: arrival_time_us is "1.5"'],
    ["an empty prompt", [SHORT, "0,1,0,3"], "line 2: input_tokens is 0"],
    ["an id twice", [SHORT, "4,1,2,3", "5,1,2,3", "4,2,2,3"], "line 4: request_id 4 was there before"],
    [
      "a deadline in the past",
      [`${SHORT},deadline_us`, "0,9,2,3,8"],
      "line 2: deadline_us is 8, before arrival_time_us 9",
    ],
    ["a later round first", [THINK, "0,1,2,3,s,1,0"], 'round_index of session "s" is 1, and nothing'],
    ["a round left out", [THINK, "0,1,2,3,s,0,0", "1,1,2,3,s,2,0"], "is 2, and 0 stands before it; it must be 1"],
    [
      "rounds that run back",
      [SESSION, "0,1,2,3,s,4", "1,1,2,3,s,4"],
      "is 4, and 4 stands before it; it must be at least 5",
    ],
    [
      "a quote that never ends",
      [`${SHORT},error_message`, '0,1,2,3,"a', "1,1,2,3,b"],
      "line 2: a quoted field never ends",
    ],
    ["nothing", [], "line 1: the trace holds no request"],
    ["a header alone", [SHORT], "line 1: the trace holds no request"],
  ])("%s is told with its line", (_name, lines, ...says) => {
    const said = () => read(lines);
    expect(said).toThrow(TraceError);
    for (const text of says) expect(said).toThrow(text);
  });

  it("is passed over and counted on request", () => {
    const source = open({ onError: "Skip" });
    const lines = [SHORT, "0,1,2,3", "1,x,2,3", "0,1,2,3", "2,4,2,3"];
    expect(drain(source, [lines.join("\n")]).map(({ id }) => id)).toEqual([0, 2]);
    expect(source.skipped).toMatchObject({ lines: 2, firstLine: 3, why: expect.stringContaining("arrival_time_us") });
  });

  it("of one request too many fails whatever is passed over", () => {
    const lines = [SHORT, "0,1,2,3", "1,2,2,3", "2,3,2,3"];
    expect(() => read(lines, { maxRequests: 2, onError: "Skip" })).toThrow("line 4: more than 2 requests");
  });
});

describe("images, audio and video", () => {
  const media = `${SHORT},prefix_group,prefix_length,session_id,round_index,text_tokens,image_tokens,audio_tokens,video_tokens`;

  it("stand behind the prefix, within the prompt's own tokens", () => {
    const [request] = read([media, "0,0,100,1,p,64,,0,30,50,20,0"]);
    expect(request).toMatchObject({
      promptTokens: 164,
      encoderItems: [
        { offset: 64, tokens: 50 },
        { offset: 114, tokens: 20 },
      ],
    });
  });

  it.each([
    ["none", [{ offset: 0, tokens: 30 }]],
    ["recorded", [{ offset: 0, tokens: 30 }]],
    [
      "accumulate",
      [
        { offset: 0, tokens: 50 },
        { offset: 105, tokens: 30 },
      ],
    ],
  ] as const)("of a later round, with contexts that %s", (contextGrowth, encoderItems) => {
    const source = open(replay({ contextGrowth, sessions: "closed-loop" }));
    const [first] = drain(source, [[media, "0,0,100,5,,,s,0,50,50,0,0", "1,9,40,1,,,s,1,10,0,0,30"].join("\n")]);
    if (first === undefined) throw new Error("no request");
    const [second] = source.ended?.({ request: first, outcome: "stop", outputTokens: 5 }, 1000 as SimTime) ?? [];
    expect(second?.encoderItems).toEqual(encoderItems);
  });

  it("can't be more than the prompt", () =>
    expect(() => read([media, "0,0,100,1,,,,0,0,101,0,0"])).toThrow(
      "line 2: image, audio and video have 101 tokens, more than the prompt's 100; they are part of it",
    ));
});
