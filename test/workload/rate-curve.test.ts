import { describe, expect, it } from "vitest";
import { RateCurve } from "../../src/workload/rate-curve.ts";
import { type ShapeSaid, shapes } from "../../src/workload/shapes/index.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const HOUR = 3600e6;
const DAY = 24 * HOUR;
const curveOf = (...said: ShapeSaid[]): RateCurve => new RateCurve(said.map((one) => shapes.create(one, {})));

const ramp = { shape: "ramp", at: "1h", duration: "2h", from: 0, to: 3 } as const;
const diurnal = { shape: "diurnal", peakHour: 14, peakToTrough: 3, startHour: 6 } as const;

describe("RateCurve", () => {
  it("without shapes is time itself", () => {
    const curve = curveOf();
    expect([curve.factor(7), curve.area(5, 9), curve.reach(5, 4), curve.peak]).toEqual([1, 4, 9, 1]);
  });

  it.each([
    {
      name: "before a step",
      said: [{ shape: "step", at: "1h", factor: 4 }],
      from: 0,
      area: 0.5 * HOUR,
      at: 0.5 * HOUR,
    },
    { name: "across a step", said: [{ shape: "step", at: "1h", factor: 4 }], from: 0, area: 3 * HOUR, at: 1.5 * HOUR },
    {
      name: "over a pause",
      said: [{ shape: "spike", at: "1h", duration: "2h", factor: 0 }],
      from: 0,
      area: 1.5 * HOUR,
      at: 3.5 * HOUR,
    },
    {
      name: "within two spikes",
      said: [
        { shape: "spike", at: "0s", duration: "1h", factor: 2 },
        { shape: "spike", at: "30m", duration: "1h", factor: 3 },
      ],
      from: 0,
      area: 3 * HOUR,
      at: (5 / 6) * HOUR,
    },
    // The area of a ramp from 0 is 3 x^2 / 4 hours, x hours after its begin.
    { name: "along a ramp", said: [ramp], from: HOUR, area: 0.75 * HOUR, at: 2 * HOUR },
    { name: "along a ramp from its middle", said: [ramp], from: 2 * HOUR, area: (3 / 4) * 1.25 * HOUR, at: 2.5 * HOUR },
    { name: "beyond a ramp", said: [ramp], from: 0, area: 6 * HOUR, at: 4 * HOUR },
    // Two such ramps: 9 x^2 / 4, whose area is 3 x^3 / 4.
    { name: "along two ramps", said: [ramp, ramp], from: 0, area: 0.75 * HOUR, at: 2 * HOUR },
  ] as const)("reaches an area where it should: $name", ({ said, from, area, at }) => {
    const curve = curveOf(...said);
    expect(Math.abs((curve.reach(from, area) as number) - at)).toBeLessThan(0.01);
    expect(Math.abs(curve.area(from, at) - area)).toBeLessThan(0.01);
  });

  it("is exact to a microsecond under a diurnal course, over a year", () => {
    const curve = curveOf(diurnal);
    // The area of 1 + cos(2 pi (t - 8 h) / 24 h) / 2.
    const primitive = (at: number): number =>
      at + (DAY / (4 * Math.PI)) * Math.sin((2 * Math.PI * (at - 8 * HOUR)) / DAY);
    forAllSeeds(200, (rng) => {
      const from = rng.next() * 365 * DAY;
      const to = from + rng.next() * 3 * DAY;
      const area = primitive(to) - primitive(from);
      expect(Math.abs(curve.area(from, to) - area)).toBeLessThan(0.1);
      expect(Math.abs((curve.reach(from, area) as number) - to)).toBeLessThan(0.5);
    });
  });

  it("is as exact over the short gaps of most arrivals, wherever they end", () => {
    const curve = curveOf(diurnal);
    forAllSeeds(200, (rng) => {
      const from = rng.next() * 30 * DAY;
      const area = 100e6 * rng.next() ** 4;
      const at = curve.reach(from, area) as number;
      // Two shapes are never taken for a straight line.
      const along = curveOf(diurnal, { shape: "step", at: "0s", factor: 1 }).reach(from, area) as number;
      expect(Math.abs(at - along)).toBeLessThan(1e-3);
    });
  });

  it("repeats a diurnal course each day, with its peak where it was said and a mean of 1", () => {
    const curve = curveOf(diurnal);
    expect(curve.factor(8 * HOUR)).toBeCloseTo(1.5, 12);
    expect(curve.factor(8 * HOUR) / curve.factor(20 * HOUR)).toBeCloseTo(3, 12);
    expect(curve.factor(5 * DAY + 3 * HOUR)).toBeCloseTo(curve.factor(3 * HOUR), 9);
    expect(curve.area(0, 7 * DAY) / (7 * DAY)).toBeCloseTo(1, 12);
    expect(curve.peak).toBe(1.5);
  });

  it("multiplies shapes that overlap", () => {
    const curve = curveOf(diurnal, { shape: "spike", at: "2h", duration: "10m", factor: 3 });
    expect(curve.factor(2 * HOUR)).toBeCloseTo(3 * curveOf(diurnal).factor(2 * HOUR), 12);
    // The spike is over long before the day's peak, yet is the highest: the factor of 8:10, just as it ends.
    expect(curve.peak).toBeCloseTo(3 * curveOf(diurnal).factor(2 * HOUR + HOUR / 6), 12);
  });

  it("never reaches an area beyond a rate that went to 0 for good", () => {
    const curve = curveOf({ shape: "step", at: "1h", factor: 0 });
    expect(curve.reach(0, 0.5 * HOUR)).toBe(0.5 * HOUR);
    expect(curve.reach(0, 2 * HOUR)).toBeUndefined();
    expect(curve.reach(HOUR, 1)).toBeUndefined();
  });

  it("passes over a pause of a century at once, under a diurnal course too", () => {
    const pause = { shape: "spike", at: "1h", duration: "36525d", factor: 0 } as const;
    const day = shapes.create(diurnal, {});
    let asked = 0;
    const counting = {
      ...day,
      factor: (at: number) => {
        asked += 1;
        return day.factor(at);
      },
    };
    const curve = new RateCurve([shapes.create(pause, {}), counting]);
    expect(curve.reach(0, curveOf(diurnal).area(0, HOUR) + 1e6)).toBeGreaterThan(36525 * DAY + HOUR);
    expect(asked).toBeLessThan(1000);
    expect(curveOf({ shape: "step", at: "1h", factor: 0 }, diurnal).reach(HOUR, 1)).toBeUndefined();
  });

  it("gives up beyond what microseconds can hold", () => {
    const faint = { shape: "step", at: "0s", factor: 0.000001 } as const;
    expect(curveOf(faint).reach(0, Number.MAX_SAFE_INTEGER)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
    expect(curveOf(diurnal).reach(Number.MAX_SAFE_INTEGER - HOUR, DAY)).toBeUndefined();
  });
});
