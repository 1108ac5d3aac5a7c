const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};
const WHOLE = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** @returns seconds of a text as Go's time.ParseDuration takes it (`50ms`, `1m30s`, `-2h`, `0`); undefined if it doesn't */
export const goDurationSeconds = (text: string): number | undefined => {
  if (/^[-+]?0$/.test(text)) return 0;
  if (!WHOLE.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    seconds += Number(amount) * (UNIT_SECONDS[unit as string] as number);
  // In whole microseconds, as all time here: 0.05 and not 0.050000000000000003.
  const micros = Math.round(seconds * 1e6);
  return (text.startsWith("-") ? -micros : micros) / 1e6;
};
