/** Figures as people read them: four significant digits, a unit that fits. */

export const number = (value: number): string => value.toLocaleString("en-US", { maximumSignificantDigits: 4 });

export const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

export const seconds = (value: number): string => {
  if (value < 1e-9) return "0 ms";
  if (value < 1) return `${number(value * 1000)} ms`;
  return `${number(value)} s`;
};
