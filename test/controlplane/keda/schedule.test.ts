import { describe, expect, it } from "vitest";
import { cronSchedule } from "../../../src/controlplane/keda/cron-schedule.ts";
import { timeZones } from "../../../src/controlplane/keda/time-zones.ts";
import { triggerOf } from "../../../src/controlplane/keda/trigger-of.ts";
import { at } from "../hpa/fixtures.ts";
import { monitoringOf } from "./fixtures.ts";

const unix = (text: string): number => Date.parse(text) / 1000;
const zone = (name: string) => {
  const found = timeZones().get(name);
  if (found === undefined) throw new Error(`no zone ${name}`);
  return found;
};

/** What the platform's own database says, in seconds. */
const offsetOf = (format: Intl.DateTimeFormat, seconds: number): number => {
  const text = format.formatToParts(seconds * 1000).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes] = /GMT([-+])(\d\d):(\d\d)/.exec(text) ?? [];
  return hours === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
};

describe("time zones", () => {
  // Rules change by law every few months: a platform with another edition of the database disagrees with reason.
  it.runIf(process.versions.tz === "2025c")("agree with the platform's, day by day around each change", () => {
    const known = [...timeZones()].filter(([name]) => {
      try {
        new Intl.DateTimeFormat("en-US", { timeZone: name });
        return name !== "Local";
      } catch {
        return false;
      }
    });
    expect(known.length).toBeGreaterThan(400);
    // One name of each rule, week by week through three years.
    const ofRules = new Map(known.map(([name, rule]) => [rule, name]));
    const wrong: string[] = [];
    for (const [rule, name] of ofRules) {
      const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset", hour: "numeric" });
      for (let week = 0; week < 156; week += 1) {
        const seconds = unix("2025-06-01T00:30:00Z") + week * 7 * 86_400;
        if (rule.offset(seconds) !== offsetOf(format, seconds)) wrong.push(`${name} ${week}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("change at the very second", () => {
    const berlin = zone("Europe/Berlin");
    expect(berlin.offset(unix("2026-03-29T00:59:59Z"))).toBe(3600);
    expect(berlin.offset(unix("2026-03-29T01:00:00Z"))).toBe(7200);
    expect(berlin.offset(unix("2026-10-25T00:59:59Z"))).toBe(7200);
    expect(berlin.offset(unix("2026-10-25T01:00:00Z"))).toBe(3600);
  });
});

describe("a crontab expression fires next", () => {
  it.each([
    { text: "0 8 * * *", zone: "UTC", after: "2026-01-05T07:59:59.5Z", next: "2026-01-05T08:00:00Z" },
    { text: "0 8 * * *", zone: "UTC", after: "2026-01-05T08:00:00Z", next: "2026-01-06T08:00:00Z" },
    { text: "0 8 * * *", zone: "Europe/Berlin", after: "2026-07-01T00:00:00Z", next: "2026-07-01T06:00:00Z" },
    { text: "*/20 9-17 * * mon-fri", zone: "UTC", after: "2026-01-02T17:40:00Z", next: "2026-01-05T09:00:00Z" },
    { text: "0 0 1 * *", zone: "America/New_York", after: "2026-02-15T00:00:00Z", next: "2026-03-01T05:00:00Z" },
    // Either day field, where neither is a star.
    { text: "0 0 13 * 5", zone: "UTC", after: "2026-01-10T00:00:00Z", next: "2026-01-13T00:00:00Z" },
    // A step is no star.
    { text: "0 0 */30 * 5", zone: "UTC", after: "2026-01-03T00:00:00Z", next: "2026-01-09T00:00:00Z" },
    // The hour that clocks skip is no hour of that day.
    { text: "30 2 * * *", zone: "Europe/Berlin", after: "2026-03-29T00:00:00Z", next: "2026-03-30T00:30:00Z" },
    // Midnight that clocks skip.
    { text: "0 1 * * *", zone: "Africa/Cairo", after: "2026-04-23T23:00:00Z", next: "2026-04-24T22:00:00Z" },
    { text: "0 0 29 2 *", zone: "UTC", after: "2025-03-01T00:00:00Z", next: "2028-02-29T00:00:00Z" },
    { text: "0 0 30 2 *", zone: "UTC", after: "2025-03-01T00:00:00Z", next: undefined },
    { text: "5/20 * * * *", zone: "Asia/Kathmandu", after: "2026-01-01T00:00:00Z", next: "2026-01-01T00:20:00Z" },
  ])("$text in $zone after $after", ({ text, zone: name, after, next }) => {
    const read = cronSchedule(text);
    if (!read.ok) throw new Error(read.problems[0]?.message);
    expect(read.value.next(unix(after), zone(name))).toBe(next === undefined ? undefined : unix(next));
  });

  it.each([
    "",
    "@daily",
    "1 2 3 4",
    "a * * * *",
    "* 5-3 * * *",
    "*/0 * * * *",
    "0-1-2 * * * *",
    "1/2/3 * * * *",
    "TZ=UTC 0 8 * * *",
  ])("never: %j", (text) => expect(cronSchedule(text).ok).toBe(false));
});

describe("the trigger cron", () => {
  const between = (start: string, end: string, begins: string, timezone = "UTC") => {
    const metadata = { timezone, start, end, desiredReplicas: "5" };
    const said = { type: "cron", useCachedMetrics: false, metadata };
    const built = triggerOf({ index: 0, said, startUnixSeconds: unix(begins) });
    if (!built.ok) throw new Error(built.problems[0]?.message);
    const { scaler } = built.value;
    return (second: number) => scaler?.measure({ now: at(second), monitoring: monitoringOf({}) });
  };
  const ON = { ok: true, milli: 5000n, active: true };
  const OFF = { ok: true, milli: 0n, active: false };

  it("wants its replicas from start to end", () => {
    const measured = between("0 8 * * *", "0 18 * * *", "2026-01-05T07:59:00Z");
    expect([0, 59, 60, 36_059, 36_060].map(measured)).toEqual([OFF, OFF, ON, ON, OFF]);
  });

  it("spans midnight", () => {
    const measured = between("0 22 * * *", "0 6 * * *", "2026-01-05T00:00:00Z");
    expect([0, 6 * 3600, 22 * 3600, 29 * 3600].map(measured)).toEqual([ON, OFF, ON, ON]);
  });

  it("goes by the clocks of its zone", () =>
    expect(between("0 8 * * *", "0 18 * * *", "2026-07-01T06:00:00Z", "Europe/Berlin")(0)).toEqual(ON));

  it("is on until its end where it never starts, and off where it never ends, as KEDA's zero time has it", () => {
    expect(between("0 0 30 2 *", "0 18 * * *", "2026-01-05T00:00:00Z")(0)).toEqual(ON);
    expect(between("0 8 * * *", "0 0 30 2 *", "2026-01-05T09:00:00Z")(0)).toEqual(OFF);
  });
});
