const STAMP = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export interface Timestamp {
  /** Whole microseconds since 1970-01-01, in UTC where there is a zone; finer fractions are rounded. */
  readonly micros: number;
  readonly zoned: boolean;
}

/** @returns the instant that `2023-11-16 18:17:03.9799600` or `2024-05-12 01:00:00.088263+00:00` names; undefined if none */
export const timestampOf = (text: string): Timestamp | undefined => {
  const parts = STAMP.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = zoneMinutes(parts[8]);
  if (zone === undefined) return undefined;
  const minutes = (daysSince1970(year, month, day) * 24 + hour) * 60 + minute - zone;
  return { micros: (minutes * 60 + second) * 1e6 + fractionMicros(parts[7]), zoned: parts[8] !== undefined };
};

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const daysIn = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : (DAYS[month - 1] as number);

/** Proleptic Gregorian, counted in years that begin in March, so that the leap day comes last. */
const daysSince1970 = (year: number, month: number, day: number): number => {
  const marchYear = month > 2 ? year : year - 1;
  const monthsSinceMarch = (month + 9) % 12;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return 365 * marchYear + leapDays + Math.floor((153 * monthsSinceMarch + 2) / 5) + day - 719_469;
};

const fractionMicros = (digits: string | undefined): number =>
  digits === undefined ? 0 : Math.round(Number(digits.padEnd(9, "0")) / 1000);

const zoneMinutes = (zone: string | undefined): number | undefined => {
  if (zone === undefined || zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 14 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
};
