import { isMapping } from "../model/mapping.ts";
import { numberPairs } from "./python-dict.ts";
import { TOKENS_MAX } from "./trace-row.ts";

/** A stretch of a client's time: what its arrivals are like. */
export interface ServeGenWindow {
  readonly startMicros: number;
  readonly endMicros: number;
  /** Requests per second. */
  readonly rate: number;
  readonly gaps: { readonly process: "Gamma" | "Weibull"; readonly shape: number };
}

/** How often each count comes: counts, and their weights added up. */
export interface Counted {
  readonly counts: readonly number[];
  readonly upTo: readonly number[];
}

/** What a client's requests are like from an instant on. */
export interface ServeGenData {
  readonly fromMicros: number;
  readonly fields: ReadonlyMap<string, Counted>;
}

export interface Fault {
  /** 1-based; of a dataset the whole file's. */
  readonly line: number;
  readonly why: string;
}

const COLUMNS = 6;
/** Of the last window, and of all in the publisher's pools. */
const WINDOW_MICROS = 600e6;

/**
 * `chunk-N-trace.csv`: window start (s), rate (per s), coefficient of variation, `Gamma`, `Weibull` or nothing, shape, scale.
 * @param tell what is wrong with a line, which is then passed over
 */
export const servegenWindows = (text: string, tell: (fault: Fault) => void): readonly ServeGenWindow[] => {
  const rows: { start: number; rate: number; process: string; shape: number }[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const why = windowIn(line, rows);
    if (why !== undefined) tell({ line: index + 1, why });
  }
  return rows.flatMap(({ start, rate, process, shape }, i): ServeGenWindow[] => {
    if (rate === 0 || process === "") return [];
    const startMicros = start * 1e6;
    const endMicros = (rows[i + 1]?.start ?? start + WINDOW_MICROS / 1e6) * 1e6;
    return [{ startMicros, endMicros, rate, gaps: { process: process as "Gamma" | "Weibull", shape } }];
  });
};

/** Adds a line's window to the rows. @returns what is wrong with it */
const windowIn = (
  line: string,
  rows: { start: number; rate: number; process: string; shape: number }[],
): string | undefined => {
  const fields = line.split(",").map((field) => field.trim());
  if (fields.length !== COLUMNS) return `it has ${fields.length} fields; it must have ${COLUMNS}`;
  const [start, rate, cv, , shape, scale] = fields.map(Number) as [number, number, number, number, number, number];
  const process = fields[3] as string;
  for (const [name, value] of [
    ["window start", start],
    ["rate", rate],
    ["coefficient of variation", cv],
    ["shape", shape],
    ["scale", scale],
  ] as const) {
    if (!(value >= 0 && value <= 1e12)) return `the ${name} is ${JSON.stringify(value)}; it must be a number from 0 on`;
  }
  if (!["Gamma", "Weibull", ""].includes(process)) {
    return `the arrival pattern is ${JSON.stringify(process)}; it must be Gamma, Weibull or empty`;
  }
  if (process !== "" && rate > 0 && !(shape >= 0.01 && shape <= 1e6)) {
    return `the shape is ${shape}; it must be from 0.01 to 1000000`;
  }
  const before = rows.at(-1)?.start;
  if (before !== undefined && start <= before) {
    return `the window starts at ${start}, and the one before it at ${before}; windows must be in order of time`;
  }
  rows.push({ start, rate, process, shape });
  return undefined;
};

/**
 * `chunk-N-dataset.json`: by window start (s) and field a Python dict of probabilities. Windows without any data are left out,
 * as ServeGen leaves them out.
 */
export const servegenData = (text: string, tell: (fault: Fault) => void): readonly ServeGenData[] => {
  const wrong = (why: string): readonly ServeGenData[] => {
    tell({ line: 1, why });
    return [];
  };
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return wrong("it is no JSON");
  }
  if (!isMapping(said)) return wrong("it is not a JSON object");
  const data: ServeGenData[] = [];
  for (const [start, fields] of Object.entries(said)) {
    if (!/^\d{1,9}$/.test(start) || !isMapping(fields))
      return wrong(`${JSON.stringify(start)} is no window start with fields`);
    const read = fieldsIn(fields);
    if (typeof read === "string") return wrong(`window ${start}: ${read}`);
    if (read.size > 0) data.push({ fromMicros: Number(start) * 1e6, fields: read });
  }
  return data.sort((a, b) => a.fromMicros - b.fromMicros);
};

/** Fields whose values are shares; no work depends on them. */
const SHARES = ["reason_ratio"];

const fieldsIn = (fields: Readonly<Record<string, unknown>>): ReadonlyMap<string, Counted> | string => {
  const read = new Map<string, Counted>();
  for (const [name, text] of Object.entries(fields)) {
    if (SHARES.includes(name)) continue;
    const pairs = typeof text === "string" ? numberPairs(text) : undefined;
    if (pairs === undefined) return `${name} is not text such as "{39: 0.25, 40: 0.75}"`;
    if (pairs.keys.length === 0) return new Map();
    let sum = 0;
    const upTo: number[] = [];
    for (const [i, count] of pairs.keys.entries()) {
      const weight = pairs.values[i] as number;
      if (!(Number.isInteger(count) && count >= 0 && count <= TOKENS_MAX))
        return `${name} has the count ${count}; it must be whole`;
      if (!(weight >= 0)) return `${name} has the probability ${weight}; it must not be negative`;
      sum += weight;
      upTo.push(sum);
    }
    if (!(sum > 0)) return `${name} has probabilities that are all 0`;
    read.set(name, { counts: pairs.keys, upTo });
  }
  return read;
};

/** The count that a uniform draw in [0, 1) stands for. */
export const countedAt = ({ counts, upTo }: Counted, draw: number): number => {
  const value = draw * (upTo.at(-1) as number);
  let [low, high] = [0, upTo.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((upTo[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return counts[low] as number;
};
