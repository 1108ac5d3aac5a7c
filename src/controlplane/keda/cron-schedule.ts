import { type CalendarDate, dateOf } from "../../model/calendar.ts";
import { bad, good, type Result } from "../../model/problem.ts";
import type { Zone } from "./posix-zone.ts";

/** Minutes at which a crontab expression fires. */
export interface CronSchedule {
  /**
   * @param unixSeconds may have a fraction
   * @returns the first instant after it by the clocks of `zone`, in seconds since 1970; undefined: none within five years
   */
  next(unixSeconds: number, zone: Zone): number | undefined;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/** Minute, hour, day of month, month, day of week. */
const PLACES: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: WEEKDAYS },
];
const YEARS = 5;
/** Clocks change at a quarter of an hour, everywhere. */
const QUARTER_HOUR_SECONDS = 900;

/** What one field of an expression takes. `any`: it says `*` or `?`, and leaves the choice of days to the other. */
interface Taken {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

class CronError extends Error {}

/**
 * Reads five fields as KEDA has them read. A day fires if either day field takes it, or both where one of them is `*`.
 * Source: robfig/cron v3.0.1, Parser.Parse and SpecSchedule.Next; its messages.
 */
export const cronSchedule = (text: string): Result<CronSchedule> => {
  try {
    return good(scheduleOf(text));
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    return bad({
      severity: "error",
      reason: "BadSchedule",
      message: error.message,
      fix: 'write five fields: minute, hour, day of month, month and day of week, such as "0 8 * * 1-5"',
    });
  }
};

const scheduleOf = (text: string): CronSchedule => {
  if (text === "") throw new CronError("empty spec string");
  if (/^(CRON_)?TZ=/.test(text)) throw new CronError("a time zone inside a schedule is not modelled");
  if (text.startsWith("@")) throw new CronError(`parser does not accept descriptors: ${text}`);
  const fields = text.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== PLACES.length) {
    throw new CronError(`expected exactly ${PLACES.length} fields, found ${fields.length}: [${fields.join(" ")}]`);
  }
  const [minute, hour, day, month, weekday] = fields.map((field, i) => takenBy(field, PLACES[i] as Bounds)) as [
    Taken,
    Taken,
    Taken,
    Taken,
    Taken,
  ];
  const dayFires = (date: CalendarDate): boolean => {
    const [byDay, byWeekday] = [day.values.has(date.day), weekday.values.has(date.weekday)];
    return day.any || weekday.any ? byDay && byWeekday : byDay || byWeekday;
  };
  return {
    next: (unixSeconds, zone) => {
      let at = Math.ceil((Math.floor(unixSeconds) + 1) / 60) * 60;
      const last = localDate(at, zone).year + YEARS;
      for (;;) {
        const date = localDate(at, zone);
        if (date.year > last) return undefined;
        if (!month.values.has(date.month) || !dayFires(date)) at = nextDay(at, zone);
        else if (!hour.values.has(date.hour)) at = nextHour(at, zone);
        else if (!minute.values.has(date.minute)) at += 60;
        else return at;
      }
    },
  };
};

const localDate = (at: number, zone: Zone): CalendarDate => dateOf(at + zone.offset(at));

const nextHour = (at: number, zone: Zone): number => at + 3600 - modulo(at + zone.offset(at), 3600);

/** The first instant of the next day by these clocks, which may skip midnight. */
const nextDay = (at: number, zone: Zone): number => {
  const { day } = localDate(at, zone);
  const midnight = at + 86_400 - modulo(at + zone.offset(at), 86_400);
  let first = Math.max(at + 60, midnight + zone.offset(at) - zone.offset(midnight));
  while (localDate(first, zone).day === day) first = nextQuarter(first);
  return first;
};

const nextQuarter = (at: number): number => at + QUARTER_HOUR_SECONDS - modulo(at, QUARTER_HOUR_SECONDS);

const modulo = (value: number, divisor: number): number => ((value % divisor) + divisor) % divisor;

const takenBy = (field: string, bounds: Bounds): Taken => {
  const parts = field.split(",").filter((part) => part !== "");
  const taken = parts.map((part) => rangeOf(part, bounds));
  return {
    values: new Set(taken.flatMap(({ values }) => [...values])),
    any: taken.some(({ any }) => any),
  };
};

const rangeOf = (part: string, { min, max, names }: Bounds): Taken => {
  const [range = "", ...steps] = part.split("/");
  const [low = "", ...highs] = range.split("-");
  const star = low === "*" || low === "?";
  if (!star && highs.length > 1) throw new CronError(`too many hyphens: ${part}`);
  const start = star ? min : numberOf(low, names);
  const said = star ? max : highs[0] === undefined ? start : numberOf(highs[0], names);
  if (steps.length > 1) throw new CronError(`too many slashes: ${part}`);
  const step = steps[0] === undefined ? 1 : numberOf(steps[0]);
  const end = steps[0] !== undefined && highs.length === 0 ? max : said;
  if (start < min) throw new CronError(`beginning of range (${start}) below minimum (${min}): ${part}`);
  if (end > max) throw new CronError(`end of range (${end}) above maximum (${max}): ${part}`);
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${part}`);
  if (step === 0) throw new CronError(`step of range should be a positive number: ${part}`);
  const values = new Set<number>();
  for (let value = start; value <= end; value += step) values.add(value);
  return { values, any: star && step === 1 };
};

const numberOf = (text: string, names: readonly string[] = []): number => {
  const named = text === "" ? -1 : names.indexOf(text.toLowerCase());
  if (named >= 0) return named;
  if (!/^[-+]?\d+$/.test(text)) {
    throw new CronError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  if (Number(text) < 0) throw new CronError(`negative number (${text}) not allowed: ${text}`);
  return Number(text);
};
