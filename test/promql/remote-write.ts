import { request } from "undici";
import type { GeneratedSeries } from "./generated-series.ts";

/** Prometheus' staleness marker: a NaN of its own, which JavaScript can't hold as a number. */
const STALE_NAN = Buffer.from("020000000000f07f", "hex");

/** Sends series to a Prometheus server. Source: remote write 1.0 (protobuf in Snappy's block format, all of it literal). */
export const remoteWrite = async (url: string, series: readonly GeneratedSeries[]): Promise<void> => {
  const body = snappy(Buffer.concat(series.map((one) => field(1, timeSeries(one)))));
  const answer = await request(`${url}/api/v1/write`, {
    method: "POST",
    headers: {
      "content-type": "application/x-protobuf",
      "content-encoding": "snappy",
      "x-prometheus-remote-write-version": "0.1.0",
    },
    body,
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`Prometheus refused a write: ${answer.statusCode} ${text}`);
};

const timeSeries = ({ labels, samples }: GeneratedSeries): Buffer =>
  Buffer.concat([
    ...Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]))),
    ...samples.map(({ atMs, value }) => field(2, Buffer.concat([double(1, value), tag(2, 0), varint(atMs)]))),
  ]);

const double = (number: number, value: number | "stale"): Buffer => {
  const bytes = Buffer.alloc(8);
  if (value !== "stale") bytes.writeDoubleLE(value);
  return Buffer.concat([tag(number, 1), value === "stale" ? STALE_NAN : bytes]);
};

const field = (number: number, bytes: Buffer): Buffer => Buffer.concat([tag(number, 2), varint(bytes.length), bytes]);

const tag = (number: number, type: number): Buffer => varint(number * 8 + type);

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  bytes.push(left);
  return Buffer.from(bytes);
};

const LONGEST_LITERAL = 65_536;

const snappy = (bytes: Buffer): Buffer => {
  const parts = [varint(bytes.length)];
  for (let at = 0; at < bytes.length; at += LONGEST_LITERAL) {
    const literal = bytes.subarray(at, at + LONGEST_LITERAL);
    const head = Buffer.alloc(3);
    head.writeUInt8(61 << 2);
    head.writeUInt16LE(literal.length - 1, 1);
    parts.push(head, literal);
  }
  return Buffer.concat(parts);
};
