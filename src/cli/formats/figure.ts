import { significant } from "../../server/digits.ts";

/** Figures as people read them: four significant digits, a unit that fits. */

export const number = (value: number): string => significant(value, 4);

export const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

export const seconds = (value: number): string => {
  if (value < 1e-9) return "0 ms";
  if (value < 1) return `${number(value * 1000)} ms`;
  return `${number(value)} s`;
};

/** `1h4m13s`. @param total seconds */
export const duration = (total: number): string => {
  const whole = Math.round(total);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return [h > 0 ? `${h}h` : "", m > 0 || (h > 0 && s > 0) ? `${m}m` : "", s > 0 || whole === 0 ? `${s}s` : ""].join("");
};
