import { describe, expect, it } from "vitest";
import { studentCdf, studentQuantile } from "../../src/sim/student.ts";

describe("Student's t", () => {
  it("is as in the tables", () => {
    // Abramowitz and Stegun, table 26.10.
    expect([studentCdf(2.262, 9), studentCdf(-1.833, 9), studentCdf(4.781, 9), studentCdf(0, 5)]).toEqual([
      expect.closeTo(0.975, 4),
      expect.closeTo(0.05, 4),
      expect.closeTo(0.9995, 4),
      0.5,
    ]);
  });

  it("has the quantiles that it says", () => {
    expect([studentQuantile(0.95, 9), studentQuantile(0.975, 1), studentQuantile(0.95, 120)]).toEqual([
      expect.closeTo(1.833, 3),
      expect.closeTo(12.706, 3),
      expect.closeTo(1.658, 3),
    ]);
  });
});
