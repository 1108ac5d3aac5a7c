import protobuf from "protobufjs/minimal.js";
import { describe, expect, it } from "vitest";
import { writeRequest1, writeRequest2 } from "../../../src/exporter/remote-write/messages.ts";
import { samplesOf, type WriteBatch } from "../../../src/exporter/remote-write/write-batch.ts";
import { WriteBatches } from "../../../src/exporter/remote-write/write-batches.ts";
import type { MetricFamily } from "../../../src/model/metric-family.ts";

const gauge = (...pods: string[]): MetricFamily => ({
  name: "up",
  type: "gauge",
  help: "Is it?",
  samples: pods.map((pod, i) => ({ labels: { pod, empty: "" }, value: i })),
});
const histogram: MetricFamily = {
  name: "wait_seconds",
  type: "histogram",
  help: "How long.",
  samples: [{ labels: { pod: "a" }, value: { bounds: [0.5, 1], counts: [1, 2, 3], sum: 12.5 } }],
};
const flat = (batches: readonly WriteBatch[]) =>
  batches.flat().flatMap(({ labels, points }) => points.map((point) => [labels.join(" "), ...point]));

describe("WriteBatches", () => {
  it("have a series per bucket, labels in order and none empty, and a stale marker where a series ends", () => {
    const batches = new WriteBatches();
    batches.add([gauge("a", "b"), histogram], 1000);
    batches.add([gauge("a")], 2000);
    batches.end(500);
    expect(flat(batches.take())).toEqual([
      ["__name__ up pod a", 1000, 0],
      ["__name__ up pod a", 2000, 0],
      ["__name__ up pod a", 2500, null],
      ["__name__ up pod b", 1000, 1],
      ["__name__ up pod b", 2000, null],
      ...[
        ["__name__ wait_seconds_bucket le 0.5 pod a", 1],
        ["__name__ wait_seconds_bucket le 1.0 pod a", 3],
        ["__name__ wait_seconds_bucket le +Inf pod a", 6],
        ["__name__ wait_seconds_count pod a", 6],
        ["__name__ wait_seconds_sum pod a", 12.5],
      ].flatMap(([labels, value]) => [
        [labels, 1000, value],
        [labels, 2000, null],
      ]),
    ]);
    expect(batches.take()).toEqual([]);
  });

  it("are cut after 2000 samples or five minutes, in order, and a series that comes back goes on", () => {
    const batches = new WriteBatches();
    const pods = Array.from({ length: 70 }, (_, i) => `p${i}`);
    for (let at = 0; at < 300_000; at += 5000) batches.add([gauge(...(at === 5000 ? [] : pods))], at);
    expect(batches.ready).toBe(false);
    batches.add([gauge(...pods)], 300_000);
    const taken = batches.take();
    expect(taken.map(samplesOf)).toEqual([2000, 2000, 61 * 70 - 4000]);
    const first = flat(taken).filter(([labels]) => labels === "__name__ up pod p0");
    expect(first.map(([, at]) => at)).toEqual(Array.from({ length: 61 }, (_, i) => i * 5000));
    expect(first[1]).toEqual(["__name__ up pod p0", 5000, null]);
    batches.end(5000);
    expect(flat(batches.take())).toHaveLength(70);
  });
});

/** Fields of a message: number and value, nested ones as bytes. */
const fieldsOf = (bytes: Uint8Array): [number, Uint8Array | number | bigint][] => {
  const reader = protobuf.Reader.create(bytes);
  const fields: [number, Uint8Array | number | bigint][] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const wire = tag & 7;
    if (wire === 0) fields.push([tag >>> 3, Number(reader.int64())]);
    else if (wire === 1) {
      const [low, high] = [reader.fixed32(), reader.fixed32()];
      fields.push([tag >>> 3, (BigInt(high) << 32n) | BigInt(low)]);
    } else fields.push([tag >>> 3, reader.bytes()]);
  }
  return fields;
};
const all = (bytes: unknown, field: number) =>
  fieldsOf(bytes as Uint8Array).flatMap(([number, value]) => (number === field ? [value] : []));
const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);

const batch: WriteBatch = [
  { labels: ["__name__", "up", "pod", "é"], type: "gauge", help: "Is it?", points: [[1_700_000_000_250, 0.5]] },
  { labels: ["__name__", "n_total", "pod", "é"], type: "counter", help: "", points: [[1_700_000_000_250, null]] },
];
const bitsOf = (value: number): bigint => new DataView(new Float64Array([value]).buffer).getBigUint64(0, true);

describe("messages of remote write", () => {
  it("are 1.0's: labels in full beside their samples, ends as Prometheus' own NaN", () => {
    const [one, two] = all(writeRequest1(batch), 1);
    expect(all(one, 1).map((label) => [text(all(label, 1)[0]), text(all(label, 2)[0])])).toEqual([
      ["__name__", "up"],
      ["pod", "é"],
    ]);
    expect(fieldsOf(all(one, 2)[0] as Uint8Array)).toEqual([
      [1, bitsOf(0.5)],
      [2, 1_700_000_000_250],
    ]);
    expect(all(all(two, 2)[0], 1)).toEqual([0x7ff0000000000002n]);
  });

  it("are 2.0's: symbols once, the first of them empty, with types and help", () => {
    const bytes = writeRequest2(batch);
    const symbols = all(bytes, 4).map(text);
    expect(symbols).toEqual(["", "__name__", "up", "pod", "é", "Is it?", "n_total"]);
    const [one, two] = all(bytes, 5);
    expect([...(all(one, 1)[0] as Uint8Array)]).toEqual([1, 2, 3, 4]);
    expect([...(all(two, 1)[0] as Uint8Array)]).toEqual([1, 6, 3, 4]);
    expect(fieldsOf(all(one, 5)[0] as Uint8Array)).toEqual([
      [1, 2],
      [3, 5],
    ]);
    expect(all(all(two, 5)[0], 1)).toEqual([1]);
    expect(all(all(two, 2)[0], 1)).toEqual([0x7ff0000000000002n]);
  });
});
