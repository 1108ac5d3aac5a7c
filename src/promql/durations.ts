const UNITS: Readonly<Record<string, number>> = {
  y: 365 * 86_400_000,
  w: 7 * 86_400_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Longest length of time that fits 64 bits of nanoseconds. */
export const LONGEST_MS = 2 ** 63 / 1e6;

/** `1h30m` in milliseconds; undefined for what is no duration. Source: model.ParseDuration, prometheus/common 0.67. */
export const parseDurationMs = (text: string): number | undefined => {
  if (text === "0") return 0;
  const parts = DURATION.exec(text);
  if (parts === null || text === "") return undefined;
  const total = Object.values(UNITS).reduce((sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * unit, 0);
  return total > LONGEST_MS ? undefined : total;
};

/** `1m30s` for 90 000 ms; days, weeks and years only where nothing is left. Source: model.Duration.String, prometheus/common 0.67. */
export const durationTextMs = (lengthMs: number): string => {
  if (lengthMs === 0) return "0s";
  let left = lengthMs;
  let text = "";
  for (const [unit, ms] of Object.entries(UNITS)) {
    const exact = ms >= (UNITS.d as number);
    if (exact && left % ms !== 0) continue;
    const amount = Math.floor(left / ms);
    if (amount > 0) text += `${amount}${unit}`;
    left -= amount * ms;
  }
  return text;
};
