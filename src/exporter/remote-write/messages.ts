import protobuf from "protobufjs/minimal.js";
import type { MetricFamily } from "../../model/metric-family.ts";
import type { WriteBatch, WrittenPoint, WrittenSeries } from "./write-batch.ts";

// The messages of Prometheus' remote write, by the numbers of their fields. Sources: specifications of remote write 1.0 and
// 2.0-rc.4; prompb/types.proto and prompb/io/prometheus/write/v2/types.proto of Prometheus 3.15.

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const tag = (field: number, wire: number): number => (field << 3) | wire;

/** The NaN by which Prometheus knows that a series has ended: 0x7ff0000000000002. JavaScript keeps no NaN's bits. */
const STALE = { low: 2, high: 0x7f_f0_00_00, unsigned: true } as unknown as string;

/** `prometheus.WriteRequest` (1.0). */
export const writeRequest1 = (batch: WriteBatch): Uint8Array => {
  const writer = protobuf.Writer.create();
  for (const { labels, points } of batch) {
    writer.uint32(tag(1, BYTES)).fork();
    for (let i = 0; i < labels.length; i += 2) {
      writer.uint32(tag(1, BYTES)).fork();
      writer.uint32(tag(1, BYTES)).string(labels[i] as string);
      writer.uint32(tag(2, BYTES)).string(labels[i + 1] as string);
      writer.ldelim();
    }
    writeSamples(writer, points);
    writer.ldelim();
  }
  return writer.finish();
};

/** `io.prometheus.write.v2.Request` (2.0): each text once, and types and help beside the series. */
export const writeRequest2 = (batch: WriteBatch): Uint8Array => {
  const symbols = new Map<string, number>([["", 0]]);
  const symbol = (text: string): number => {
    const known = symbols.get(text);
    if (known !== undefined) return known;
    symbols.set(text, symbols.size);
    return symbols.size - 1;
  };
  const bodies = batch.map((series) => ({ series, refs: series.labels.map(symbol), help: symbol(series.help) }));
  const writer = protobuf.Writer.create();
  for (const text of symbols.keys()) writer.uint32(tag(4, BYTES)).string(text);
  for (const { series, refs, help } of bodies) {
    writer.uint32(tag(5, BYTES)).fork();
    writer.uint32(tag(1, BYTES)).fork();
    for (const ref of refs) writer.uint32(ref);
    writer.ldelim();
    writeSamples(writer, series.points);
    writeMetadata(writer, series, help);
    writer.ldelim();
  }
  return writer.finish();
};

/** Both messages have samples in field 2, of the same shape. */
const writeSamples = (writer: protobuf.Writer, points: readonly WrittenPoint[]): void => {
  for (const [atMillis, value] of points) {
    writer.uint32(tag(2, BYTES)).fork();
    writer.uint32(tag(1, FIXED64));
    if (value === null) writer.fixed64(STALE);
    else writer.double(value);
    writer.uint32(tag(2, VARINT)).int64(atMillis);
    writer.ldelim();
  }
};

const TYPES: Readonly<Record<MetricFamily["type"], number>> = { counter: 1, gauge: 2, histogram: 3 };

const writeMetadata = (writer: protobuf.Writer, { type }: WrittenSeries, help: number): void => {
  writer.uint32(tag(5, BYTES)).fork();
  writer.uint32(tag(1, VARINT)).int32(TYPES[type]);
  writer.uint32(tag(3, VARINT)).uint32(help);
  writer.ldelim();
};
