import { describe, expect, it } from "vitest";
import { Level } from "../../src/report/level.ts";
import { at } from "./views.ts";

describe("Level", () => {
  it("integrates what holds until it is set anew", () => {
    const level = new Level(at(0));
    level.set(2, at(0));
    level.add(1, at(10));
    expect(level.area(at(20))).toBe(2 * 10 + 3 * 10);
    expect(level.mean(at(20))).toBe(2.5);
    expect([level.min(at(20)), level.max(at(20))]).toEqual([2, 3]);
  });

  it("leaves out what was before its beginning", () => {
    const level = new Level(at(100));
    level.set(50, at(0));
    level.set(4, at(90));
    level.set(6, at(110));
    expect(level.area(at(120))).toBe(4 * 10 + 6 * 10);
    expect([level.min(at(120)), level.max(at(120)), level.mean(at(120))]).toEqual([4, 6, 5]);
    expect(new Level(at(100)).area(at(50))).toBe(0);
  });

  it("knows nothing of values that held for no time", () => {
    const level = new Level(at(0));
    level.set(9, at(0));
    level.set(1, at(0));
    expect([level.min(at(1)), level.max(at(1))]).toEqual([1, 1]);
    expect(level.mean(at(0))).toBe(1);
  });

  it("refuses to run back", () => {
    const level = new Level(at(0));
    level.set(1, at(5));
    expect(() => level.set(2, at(4))).toThrow(/time runs on/);
  });
});
