import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Request } from "../../src/model/request.ts";
import { micros } from "../../src/sim/time.ts";
import { type Counted, servegenData, servegenWindows } from "../../src/workload/servegen-chunk.ts";
import { TarReader } from "../../src/workload/tar-reader.ts";
import type { TraceFormat } from "../../src/workload/traces/index.ts";
import { cut, digestOf, drain, openTrace } from "./drain.ts";

// Published traces lie beside the repository, not in it; where they don't, these tests can't run.
const folder = fileURLToPath(new URL("../../../shared/traces/", import.meta.url));
const present = existsSync(folder);
if (!present) console.warn(`real traces: skipped, there is no ${folder}`);

interface Figures {
  readonly file: string;
  readonly format: TraceFormat;
  /** Of the publisher's rows; those that are failures make no request. */
  readonly rows: number;
  readonly failures?: number;
  /** Rounded means over all rows. */
  readonly promptMean: number;
  readonly outputMean: number;
  /** Rows / (last - first arrival), as the table rounds it. */
  readonly perSecond: string;
}

// Rows, means and rates of the table in the folder's README.
const table: readonly Figures[] = [
  {
    file: "azure-2023/AzureLLMInferenceTrace_code.csv.gz",
    format: "azure-2023",
    rows: 8819,
    promptMean: 2048,
    outputMean: 28,
    perSecond: "2.57",
  },
  {
    file: "azure-2023/AzureLLMInferenceTrace_conv.csv.gz",
    format: "azure-2023",
    rows: 19_366,
    promptMean: 1155,
    outputMean: 211,
    perSecond: "5.53",
  },
  {
    file: "azure-2024/AzureLLMInferenceTrace_conv_1week.head394.csv.gz",
    format: "azure-2024",
    rows: 394,
    promptMean: 1580,
    outputMean: 108,
    perSecond: "24.8",
  },
  {
    file: "mooncake/conversation_trace.rows1-8000.jsonl.gz",
    format: "mooncake",
    rows: 8000,
    promptMean: 12_396,
    outputMean: 347,
    perSecond: "3.28",
  },
  {
    file: "mooncake/mooncake_trace_arxiv.head1000.jsonl.gz",
    format: "mooncake",
    rows: 1000,
    promptMean: 9792,
    outputMean: 199,
    perSecond: "5.65",
  },
  {
    file: "burstgpt/BurstGPT_1.head400.csv.gz",
    format: "burstgpt",
    rows: 400,
    failures: 17,
    promptMean: 520,
    outputMean: 277,
    perSecond: "0.011",
  },
  {
    file: "burstgpt/BurstGPT_3.head188.csv.gz",
    format: "burstgpt",
    rows: 188,
    failures: 1,
    promptMean: 786,
    outputMean: 184,
    perSecond: "0.005",
  },
];

const textOf = (file: string): string => gunzipSync(readFileSync(folder + file)).toString("utf8");
const sumOf = (requests: readonly Request[], key: "promptTokens" | "outputTokens"): number =>
  requests.reduce((sum, request) => sum + request[key], 0);

describe.skipIf(!present)("real traces", () => {
  it.each(table)("$file has the rows, lengths and rate that were counted in it", (figures) => {
    const source = openTrace(figures.format);
    const requests = drain(source, [textOf(figures.file)]);
    expect(source.dropped.lines).toBe(figures.failures ?? 0);
    expect(requests.length + source.dropped.lines).toBe(figures.rows);
    // Failures carry no tokens, so they add nothing to the sums but count in the table's means.
    expect(Math.round(sumOf(requests, "promptTokens") / figures.rows)).toBe(figures.promptMean);
    expect(Math.round(sumOf(requests, "outputTokens") / figures.rows)).toBe(figures.outputMean);
    const last = requests.at(-1)?.arrival ?? 0;
    const decimals = figures.perSecond.split(".")[1]?.length ?? 0;
    expect((figures.rows / (last / 1e6)).toFixed(decimals)).toBe(figures.perSecond);
    expect(requests.every(({ arrival }, index) => arrival >= (requests[index - 1]?.arrival ?? 0))).toBe(true);
  });

  it.each(table)("$file tells the same in small blocks", ({ file, format }) => {
    const text = textOf(file);
    expect(digestOf(drain(openTrace(format), cut(text, 200)))).toBe(digestOf(drain(openTrace(format), [text])));
  });

  it("spread over the clock exactly", () => {
    const [first, second] = drain(openTrace("azure-2023"), [textOf("azure-2023/AzureLLMInferenceTrace_conv.csv.gz")]);
    // 18:15:46.6805900 to 18:15:50.9951690
    expect([first?.arrival, second?.arrival]).toEqual([0, 4_314_579]);
  });

  it("share as many blocks as were counted: 35.1 % of the conversation's were seen before", () => {
    const requests = drain(openTrace("mooncake"), [textOf("mooncake/conversation_trace.rows1-8000.jsonl.gz")]);
    const seen = new Set<number>();
    let [blocks, hits] = [0, 0];
    for (const { prefix } of requests) {
      for (const id of prefix?.kind === "blocks" ? prefix.ids : []) {
        blocks += 1;
        if (seen.has(id)) hits += 1;
        seen.add(id);
      }
    }
    expect(((100 * hits) / blocks).toFixed(1)).toBe("35.1");
  });

  it("of coding agents hold so many calls, of such lengths", () => {
    const files = readdirSync(`${folder}agentic-coding`).sort();
    const text = files.map((file) => textOf(`agentic-coding/${file}`)).join("\n");
    const replay = { sessions: "open-loop", contextGrowth: "recorded", clock: "first-row" } as const;
    const requests = drain(openTrace("agentic-coding", { replay }), [text]);
    expect(requests).toHaveLength(1063);
    expect(Math.round(sumOf(requests, "promptTokens") / 1063)).toBe(92_851);
    expect(Math.round(sumOf(requests, "outputTokens") / 1063)).toBe(482);
    const roots = new Set(requests.map(({ session = "" }) => session.split("/")[0]));
    expect(roots.size).toBe(18);
  });

  it("of Dynamo's agents hold so many calls, of such lengths", () => {
    const replay = { sessions: "open-loop", contextGrowth: "recorded", clock: "first-row" } as const;
    const requests = drain(openTrace("dynamo-agent", { replay }), [textOf("dynamo-agent/pi_request_trace.jsonl.gz")]);
    expect(requests).toHaveLength(17);
    expect(Math.round(sumOf(requests, "promptTokens") / 17)).toBe(3913);
    expect(Math.round(sumOf(requests, "outputTokens") / 17)).toBe(476);
    expect((17 / ((requests.at(-1)?.arrival ?? 0) / 1e6)).toFixed(3)).toBe("0.105");
  });

  it("of ServeGen have such a rate and such lengths, and are drawn so", () => {
    const text = textOf("servegen/reason_deepseek-r1.tar.gz");
    const tar = new TarReader();
    tar.feed(text);
    const files = new Map<string, string>();
    for (let entry = tar.next(); entry.kind === "file"; entry = tar.next()) files.set(entry.name, entry.text);
    const fail = ({ why }: { why: string }): never => {
      throw new Error(why);
    };
    let [clients, rate, prompts, outputs, hour] = [0, 0, 0, 0, 0];
    for (const [name, trace] of files) {
      if (!name.endsWith("-trace.csv")) continue;
      clients += 1;
      const data = servegenData(files.get(name.replace("-trace.csv", "-dataset.json")) ?? "", fail);
      const means = data.map(({ fromMicros, fields }) => ({
        fromMicros,
        prompt: meanCount(fields.get("input_tokens")),
        output: meanCount(fields.get("output_tokens")),
      }));
      for (const window of servegenWindows(trace, fail)) {
        const lengths = means.findLast(({ fromMicros }) => fromMicros <= window.startMicros);
        rate += window.rate;
        prompts += window.rate * (lengths?.prompt ?? 0);
        outputs += window.rate * (lengths?.output ?? 0);
        if (window.startMicros >= 12 * 3600e6 && window.startMicros < 12.5 * 3600e6) hour += window.rate * 600;
      }
    }
    expect(clients).toBe(73);
    expect((rate / 144).toFixed(1)).toBe("16.0");
    expect([Math.round(prompts / rate), Math.round(outputs / rate)]).toEqual([1268, 1527]);
    // Half an hour at noon, drawn: bursty clients make the count stray further than a Poisson process would.
    const source = openTrace("servegen", { startOffsetMicros: micros(12 * 3600e6) });
    source.feed(text);
    source.feed(undefined);
    let count = 0;
    for (let drawn = source.next(); drawn.kind === "request" && drawn.request.arrival < 1800e6; drawn = source.next()) {
      count += 1;
    }
    expect(Math.abs(count / hour - 1)).toBeLessThan(0.05);
  });
});

const meanCount = (counted: Counted | undefined): number => {
  if (counted === undefined) return 0;
  const { counts, upTo } = counted;
  return counts.reduce((sum, count, i) => sum + count * ((upTo[i] ?? 0) - (upTo[i - 1] ?? 0)), 0) / (upTo.at(-1) ?? 1);
};
