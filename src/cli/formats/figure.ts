/** Figures as people read them: four significant digits, a unit that fits. */

/** With thousands set apart. Not by `Intl`, here and below: its first use takes as long as thousands of simulated requests. */
export const whole = (value: number): string => thousands(Math.round(value).toFixed());

/** At most so many significant digits, thousands set apart. What lies half way as it is written, such as 13.725, is rounded up. */
export const significant = (value: number, digits: number): string => {
  if (!Number.isFinite(value)) return String(value);
  // In binary it may lie the least bit below.
  const rounded = (value * (1 + Number.EPSILON)).toExponential(digits - 1);
  const decimals = digits - 1 - Number(rounded.slice(rounded.indexOf("e") + 1));
  const text = Number(rounded).toFixed(Math.min(Math.max(decimals, 0), MOST_DECIMALS));
  return thousands(decimals > 0 ? text.replace(/\.?0+$/, "") : text);
};

/** Of `toFixed`. */
const MOST_DECIMALS = 100;

const thousands = (text: string): string => text.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ",");

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
