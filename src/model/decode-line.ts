/**
 * Time of a step in which requests decode a token each and nothing else happens, as a line over their context in sum:
 * max(1, round(pace * (before + perContext * context + after))) microseconds. Added in this order, always, since the sums
 * of others differ in the last bit.
 */
export interface DecodeLine {
  readonly before: number;
  readonly perContext: number;
  readonly after: number;
  readonly pace: number;
  readonly round: "up" | "down";
}

/** @returns whole microseconds */
export const lineMicros = ({ before, perContext, after, pace, round }: DecodeLine, context: number): number => {
  const micros = pace * (before + perContext * context + after);
  return Math.max(1, round === "up" ? Math.ceil(micros) : Math.floor(micros));
};
