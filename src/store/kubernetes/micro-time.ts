/** RFC 3339 with six digits, as Go's MicroTime wants it: three are refused. */
export const microTime = (date: Date): string => date.toISOString().replace(/Z$/, "000Z");
