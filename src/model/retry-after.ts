/** `Date`, which a pure floor hasn't: milliseconds since 1970, NaN of what is no date. */
interface Clock {
  now(): number;
  parse(text: string): number;
}

/**
 * Seconds that a server asks to wait.
 * @param header Retry-After: seconds, or a date (RFC 9110, section 10.2.3)
 * @param mostSeconds no wait is longer
 * @returns undefined if it says neither
 */
export const retryAfterOf = (
  header: string | null | undefined,
  mostSeconds: number,
  clock: Clock,
): number | undefined => {
  if (header === null || header === undefined) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (clock.parse(header) - clock.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), mostSeconds) : undefined;
};
