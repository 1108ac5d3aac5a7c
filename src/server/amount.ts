import { significant } from "./digits.ts";

/** At most three significant digits, thousands set apart. */
export const plain = (value: number): string => significant(value, 3);

/** A latency: milliseconds below a second. */
export const latency = (seconds: number): string => {
  if (seconds === 0) return "0 s";
  return seconds < 0.9995 ? `${plain(seconds * 1000)} ms` : `${plain(seconds)} s`;
};

export const percent = (ratio: number): string => `${plain(ratio * 100)} %`;

/** A length of simulated time in at most two units: `6 h`, `1 h 30 min`. */
export const duration = (seconds: number): string => {
  const parts: string[] = [];
  let rest = Math.round(seconds);
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(rest / size);
    if (amount > 0) parts.push(`${amount} ${unit}`);
    rest -= amount * size;
  }
  return parts.length === 0 ? "0 s" : parts.slice(0, 2).join(" ");
};

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;
