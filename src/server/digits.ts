// How numbers are written for people. Not by `Intl`: its first use takes as long as thousands of simulated requests.

/** The nearest whole number, thousands set apart. */
export const whole = (value: number): string =>
  Number.isFinite(value) ? thousands(Math.round(value).toFixed()) : beyond(value);

/** At most so many significant digits, thousands set apart. What lies half way as it is written, such as 13.725, is rounded up. */
export const significant = (value: number, digits: number): string => {
  if (!Number.isFinite(value)) return beyond(value);
  // In binary it may lie the least bit below.
  const rounded = (value * (1 + Number.EPSILON)).toExponential(digits - 1);
  const decimals = digits - 1 - Number(rounded.slice(rounded.indexOf("e") + 1));
  const text = Number(rounded).toFixed(Math.min(Math.max(decimals, 0), MOST_DECIMALS));
  return thousands(decimals > 0 ? text.replace(/\.?0+$/, "") : text);
};

/** Of `toFixed`. */
const MOST_DECIMALS = 100;

const thousands = (text: string): string => text.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ",");

const beyond = (value: number): string => String(value).replace("Infinity", "∞");
