const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** XML 1.0 can't hold other control characters, however they are written. */
const isForbidden = (code: number): boolean =>
  (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) || code === 0xfffe || code === 0xffff;

/** Text for an attribute or between tags. */
export const xmlText = (text: string): string =>
  [...text]
    .map((letter) => (isForbidden(letter.codePointAt(0) ?? 0) ? "\ufffd" : (ENTITIES[letter] ?? letter)))
    .join("");
