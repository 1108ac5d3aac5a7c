import { dateOf, daysBefore } from "../../model/calendar.ts";

/** How far a place's clocks are from UTC, and when that changes. */
export interface Zone {
  /** Seconds to add to `unixSeconds` to get what the clocks show. */
  offset(unixSeconds: number): number;
}

const DAY_SECONDS = 86_400;
const FORM = /^[A-Z]{3}([^A-Z,]+)(?:[A-Z]{3}([^A-Z,]*),([^,]+),([^,]+))?$/;
const RULE = /^M(\d+)\.(\d)\.(\d)(?:\/(.+))?$/;
const TIME = /^([-+]?)(\d{1,3})(?::(\d\d))?$/;

/**
 * @param text a POSIX TZ string with rules of the form `Mm.w.d/time`, such as `STD-1DST,M3.5.0,M10.5.0/3`
 * Source: POSIX.1-2024, 8.3 (TZ), with hours from -167 to 167 as RFC 9636 (TZif) has them.
 * @throws RangeError for any other text
 */
export const zoneOf = (text: string): Zone => {
  const [whole, west, dstWest, begins, ends] = FORM.exec(text) ?? [];
  if (whole === undefined || west === undefined) throw new RangeError(`no POSIX TZ string: ${text}`);
  const standard = -secondsIn(west);
  if (begins === undefined || ends === undefined) return { offset: () => standard };
  const daylight = dstWest === undefined || dstWest === "" ? standard + 3600 : -secondsIn(dstWest);
  const [start, end] = [changeOf(begins), changeOf(ends)];
  return {
    offset: (unixSeconds) => {
      const { year } = dateOf(unixSeconds + standard);
      const [from, to] = [start(year) - standard, end(year) - daylight];
      const inside = from < to ? from <= unixSeconds && unixSeconds < to : unixSeconds >= from || unixSeconds < to;
      return inside ? daylight : standard;
    },
  };
};

/** @returns of a year, the instant of a change by the clocks before it, in seconds since 1970 */
const changeOf = (text: string): ((year: number) => number) => {
  const [, month, week, weekday, time] = RULE.exec(text) ?? [];
  if (month === undefined) throw new RangeError(`no rule of a POSIX TZ string: ${text}`);
  const inDay = time === undefined ? 2 * 3600 : secondsIn(time);
  return (year) => {
    const first = daysBefore(year, Number(month));
    const later = (Number(weekday) - (first + 4) + 7 * 1_000_000) % 7;
    const day = first + later + 7 * (Number(week) - 1);
    const next = Number(month) === 12 ? daysBefore(year + 1, 1) : daysBefore(year, Number(month) + 1);
    return (day < next ? day : day - 7) * DAY_SECONDS + inDay;
  };
};

const secondsIn = (text: string): number => {
  const [, sign, hours, minutes] = TIME.exec(text) ?? [];
  if (hours === undefined) throw new RangeError(`no time of a POSIX TZ string: ${text}`);
  return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes ?? 0) * 60);
};
