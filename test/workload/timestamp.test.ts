import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timestampOf } from "../../src/workload/timestamp.ts";

const years = { min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true };

describe("timestampOf", () => {
  it("agrees with the calendar of the platform", () => {
    fc.assert(
      fc.property(fc.date(years), (date) => {
        const text = date.toISOString();
        expect(timestampOf(text)).toEqual({ micros: date.getTime() * 1000, zoned: true });
        expect(timestampOf(text.slice(0, -1).replace("T", " "))).toEqual({
          micros: date.getTime() * 1000,
          zoned: false,
        });
      }),
    );
  });

  it("refuses every day that no month has", () => {
    for (let month = 0; month <= 13; month += 1) {
      for (let day = 0; day <= 32; day += 1) {
        const text = `2023-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")} 00:00:00`;
        const exists =
          !Number.isNaN(Date.parse(`${text.slice(0, 10)}T00:00:00Z`)) &&
          new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === day;
        expect([text, timestampOf(text) !== undefined]).toEqual([text, exists]);
      }
    }
  });

  it.each([
    "",
    "2023-11-16",
    "2023-11-16 24:00:00",
    "2023-11-16 00:60:00",
    "2023-11-16 00:00:60",
    " 2023-11-16 00:00:00",
    "2023-11-16 00:00:00.",
    "2023-11-16 00:00:00+0000",
  ])("refuses %j", (text) => expect(timestampOf(text)).toBeUndefined());
});
