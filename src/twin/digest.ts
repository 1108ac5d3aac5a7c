import type { Scenario } from "./scenario.ts";

/**
 * JSON with the keys of every object in order of UTF-16 code units and no blanks, so that equal data is equal text
 * whatever order it was written in (RFC 8785 but for numbers, which are written as JSON.stringify does: the same).
 * Fields that are undefined are left out.
 */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(",")}}`;
};

/** SHA-256 of the canonical JSON, in hexadecimal. */
export const digestOf = (value: unknown): string => sha256(utf8(canonicalJson(value)));

/** What identifies a run's inputs: equal scenarios have equal digests, and nothing else does. */
export const scenarioDigest = (scenario: Scenario): string => digestOf(scenario);

const utf8 = (text: string): Uint8Array => {
  const bytes = new Uint8Array(3 * text.length);
  let end = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0) as number;
    if (code < 0x80) bytes[end++] = code;
    else if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6);
      bytes[end++] = 0x80 | (code & 63);
    } else if (code < 0x10000) {
      bytes[end++] = 0xe0 | (code >> 12);
      bytes[end++] = 0x80 | ((code >> 6) & 63);
      bytes[end++] = 0x80 | (code & 63);
    } else {
      bytes[end++] = 0xf0 | (code >> 18);
      for (const shift of [12, 6, 0]) bytes[end++] = 0x80 | ((code >> shift) & 63);
    }
  }
  return bytes.subarray(0, end);
};

const primes = (count: number): readonly number[] => {
  const found: number[] = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
};

/** First 32 bits of the fraction. Square and cube roots of small primes are exact enough in a double. */
const fraction = (value: number): number => ((value - Math.floor(value)) * 2 ** 32) | 0;
const ROUND_CONSTANTS = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
const INITIAL = Int32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/** FIPS 180-4, section 6.2. Here since the pure core may not use node:crypto. */
export const sha256 = (message: Uint8Array): string => {
  const hash = Int32Array.from(INITIAL);
  const data = padded(message);
  const schedule = new Int32Array(64);
  for (let block = 0; block < data.byteLength; block += 64) {
    for (let t = 0; t < 16; t += 1) schedule[t] = data.getInt32(block + 4 * t);
    for (let t = 16; t < 64; t += 1) {
      const w2 = schedule[t - 2] as number;
      const w15 = schedule[t - 15] as number;
      const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
      const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
      schedule[t] = s1 + (schedule[t - 7] as number) + s0 + (schedule[t - 16] as number);
    }
    compress(hash, schedule);
  }
  return [...hash].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
};

/** The message, one bit, zeros up to 56 modulo 64, and its length in bits. */
const padded = (message: Uint8Array): DataView => {
  const bytes = new Uint8Array(64 * Math.ceil((message.length + 9) / 64));
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(bytes.length - 4, message.length << 3);
  return view;
};

const compress = (hash: Int32Array, schedule: Int32Array): void => {
  let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (ROUND_CONSTANTS[t] as number) + (schedule[t] as number)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    // One by one: a program that only runs for a moment does all this before V8 compiles it, and lists take thrice as long then.
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i] = (hash[i] as number) + word;
  });
};
