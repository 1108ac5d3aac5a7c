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
export const lineMicros = (line: DecodeLine, context: number): number => {
  const micros = exactMicros(line, context);
  return Math.max(1, line.round === "up" ? Math.ceil(micros) : Math.floor(micros));
};

/** Before it is rounded. */
export const exactMicros = ({ before, perContext, after, pace }: DecodeLine, context: number): number =>
  pace * (before + perContext * context + after);
