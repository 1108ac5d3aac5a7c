/** Bits by which each of the four steps of a round turns. */
const TURNS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);

/** MD5, for hashmod alone: no protection of anything. Source: RFC 1321. @returns 16 bytes */
export const md5 = (message: readonly number[]): readonly number[] => {
  const data = padded(message);
  const state = Int32Array.of(0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476);
  for (let block = 0; block < data.byteLength; block += 64) addBlock(state, data, block);
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => {
    digest.setInt32(4 * i, word, true);
  });
  return [...new Uint8Array(digest.buffer)];
};

/** The message, one bit, zeros up to 56 modulo 64, and its length in bits, the low byte first. */
const padded = (message: readonly number[]): DataView => {
  const bytes = new Uint8Array(64 * Math.ceil((message.length + 9) / 64));
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, message.length << 3, true);
  view.setUint32(bytes.length - 4, Math.floor(message.length / 2 ** 29), true);
  return view;
};

const addBlock = (state: Int32Array, data: DataView, block: number): void => {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let i = 0; i < 64; i += 1) {
    const [mixed, word] = mix(i, b, c, d);
    const sum = (a + mixed + (SINES[i] as number) + data.getInt32(block + 4 * word, true)) | 0;
    const turn = TURNS[4 * (i >> 4) + (i & 3)] as number;
    [a, d, c, b] = [d, c, b, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0];
  }
  [a, b, c, d].forEach((word, i) => {
    state[i] = (state[i] as number) + word;
  });
};

/** @returns the round's function of three words, and which word of the block is added */
const mix = (i: number, b: number, c: number, d: number): readonly [mixed: number, word: number] => {
  if (i < 16) return [(b & c) | (~b & d), i];
  if (i < 32) return [(d & b) | (~d & c), (5 * i + 1) % 16];
  if (i < 48) return [b ^ c ^ d, (3 * i + 5) % 16];
  return [c ^ (b | ~d), (7 * i) % 16];
};
