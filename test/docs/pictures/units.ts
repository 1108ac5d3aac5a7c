import { latency, percent, plain } from "../../../src/server/amount.ts";

/** Grafana's units that the dashboards name, in this project's own words. */
const UNITS: Readonly<Record<string, (value: number) => string>> = {
  s: latency,
  percentunit: percent,
  short: plain,
  reqps: (value) => `${plain(value)} req/s`,
  ops: (value) => `${plain(value)} ops/s`,
  bytes: (value) => `${plain(value / 2 ** 20)} MiB`,
};

/** @throws for a unit that no picture knows */
export const unitOf = (name: string): ((value: number) => string) => {
  const format = UNITS[name];
  if (format === undefined) throw new Error(`no picture can tell values in ${name}`);
  return format;
};
