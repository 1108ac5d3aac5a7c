/** XML 1.0 can't hold other control characters, however they are written. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is about.
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text for an attribute or between tags. */
export const xmlText = (text: string): string =>
  text.replace(FORBIDDEN, "\ufffd").replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? mark);
