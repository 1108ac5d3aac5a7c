/** Dates of the Gregorian calendar in UTC, computed: a pure floor has no clock and no Date. */
export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  /** 1 to 366. */
  readonly dayOfYear: number;
  /** Sunday is 0. */
  readonly weekday: number;
  readonly daysInMonth: number;
  readonly hour: number;
  readonly minute: number;
}

const DAY_SECONDS = 86_400;
/** Days from 0000-03-01 to 1970-01-01. */
const TO_EPOCH = 719_468;
const DAYS_400_YEARS = 146_097;

/** @param seconds since 1970; cut to whole ones. Source: Hinnant, "chrono-compatible low-level date algorithms". */
export const dateOf = (seconds: number): CalendarDate => {
  const whole = Math.trunc(seconds);
  const days = Math.floor(whole / DAY_SECONDS);
  const inDay = whole - days * DAY_SECONDS;
  const { year, month, day } = civil(days);
  return {
    year,
    month,
    day,
    dayOfYear: days - daysBefore(year, 1) + 1,
    weekday: (((days + 4) % 7) + 7) % 7,
    daysInMonth: (month === 12 ? daysBefore(year + 1, 1) : daysBefore(year, month + 1)) - daysBefore(year, month),
    hour: Math.floor(inDay / 3600),
    minute: Math.floor(inDay / 60) % 60,
  };
};

const civil = (days: number): { readonly year: number; readonly month: number; readonly day: number } => {
  const shifted = days + TO_EPOCH;
  const era = Math.floor(shifted / DAYS_400_YEARS);
  const inEra = shifted - era * DAYS_400_YEARS;
  const leapless = inEra - Math.floor(inEra / 1460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096);
  const yearOfEra = Math.floor(leapless / 365);
  // Years begin in March here, so that the leap day is their last.
  const inYear = inEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * inYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const day = inYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
};

/** Days from 1970 to the first of a month, 1 to 12. */
export const daysBefore = (year: number, month: number): number => {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const inYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5);
  return (
    era * DAYS_400_YEARS + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + inYear - TO_EPOCH
  );
};
