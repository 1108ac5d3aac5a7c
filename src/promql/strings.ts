const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
};

/**
 * The text of a string literal with its quotes. Between backquotes nothing is escaped.
 *
 * @returns undefined for an escape sequence that is not Go's
 * Source: strutil.Unquote, Prometheus 3.14.
 */
export const unquote = (literal: string): string | undefined => {
  const quote = literal[0] as string;
  if (literal.length < 2 || !literal.endsWith(quote)) return undefined;
  const inside = literal.slice(1, -1);
  if (quote === "`") return inside.includes("`") ? undefined : inside;
  if (inside.includes("\n")) return undefined;
  const bytes: number[] = [];
  const pattern = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))|([^\\])/gsuy;
  let end = 0;
  for (let found = pattern.exec(inside); found !== null; found = pattern.exec(inside)) {
    end = pattern.lastIndex;
    if (!addEscaped(found, quote, bytes)) return undefined;
  }
  return end === inside.length ? decoded(bytes) : undefined;
};

const addEscaped = (found: RegExpExecArray, quote: string, bytes: number[]): boolean => {
  const [, hex, short, long, octal, simple, char] = found;
  if (char !== undefined) addCodePoint(char.codePointAt(0) as number, bytes);
  else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
  else if (octal !== undefined) {
    const value = Number.parseInt(octal, 8);
    if (value > 255) return false;
    bytes.push(value);
  } else if (simple !== undefined) {
    if ((simple === "'" || simple === '"') && simple !== quote) return false;
    bytes.push(SIMPLE[simple] as number);
  } else {
    const code = Number.parseInt((short ?? long) as string, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    addCodePoint(code, bytes);
  }
  return true;
};

export const utf8Of = (text: string): readonly number[] => {
  const bytes: number[] = [];
  for (const char of text) addCodePoint(char.codePointAt(0) as number, bytes);
  return bytes;
};

/** UTF-8. */
const addCodePoint = (code: number, bytes: number[]): void => {
  if (code < 0x80) bytes.push(code);
  else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
  else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
};

/** Bytes that are no UTF-8 become U+FFFD each. */
const decoded = (bytes: readonly number[]): string => {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i] as number;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    const tail = bytes.slice(i + 1, i + length);
    const valid = first < 0x80 || (first >= 0xc2 && first < 0xf5 && tail.length === length - 1 && tail.every(isTail));
    const code = valid ? tail.reduce((sum, byte) => (sum << 6) | (byte & 63), first & (0xff >> length)) : 0xfffd;
    text += String.fromCodePoint(length === 1 ? first : code > 0x10ffff ? 0xfffd : code);
    i += valid ? length : 1;
  }
  return text;
};

const isTail = (byte: number): boolean => (byte & 0xc0) === 0x80;
