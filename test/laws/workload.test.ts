import { describe, expect, it } from "vitest";
import * as z from "zod";
import { durationSeconds } from "../../src/model/duration.ts";
import type { Registry } from "../../src/model/plugin.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { type ArrivalSaid, arrivals } from "../../src/workload/arrivals/index.ts";
import { type LengthSaid, lengths } from "../../src/workload/lengths/index.ts";
import { RateCurve } from "../../src/workload/rate-curve.ts";
import { type ShapeSaid, shapes } from "../../src/workload/shapes/index.ts";
import { meanRate, peakRate, syntheticSource, syntheticWorkload } from "../../src/workload/sources/index.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const HOUR = 3600e6;

/** How each choice may be said; a new one needs a line here, or this file doesn't compile. */
const saidArrivals: { readonly [Name in ArrivalSaid["process"]]: readonly Extract<ArrivalSaid, { process: Name }>[] } =
  {
    poisson: [{ process: "poisson" }],
    gamma: [0.01, 0.5, 1, 3.5].map((cv) => ({ process: "gamma", cv })),
    weibull: [0.3, 1, 4].map((cv) => ({ process: "weibull", cv })),
    "on-off": [
      { process: "on-off", burst: "3s", pause: "2s", pauseShare: 0 },
      { process: "on-off", burst: "500ms", pause: "5s", pauseShare: 0.2 },
    ],
    constant: [{ process: "constant" }],
  };
const saidLengths: {
  readonly [Name in LengthSaid["distribution"]]: readonly Extract<LengthSaid, { distribution: Name }>[];
} = {
  constant: [{ distribution: "constant", tokens: 7 }],
  normal: [
    { distribution: "normal", mean: 200, deviation: 30, min: 1, max: 1_000_000 },
    { distribution: "normal", mean: 1, deviation: 1000, min: 1, max: 500 },
  ],
  lognormal: [
    { distribution: "lognormal", mean: 1155, deviation: 1100, min: 1, max: 1_000_000 },
    { distribution: "lognormal", mean: 1, deviation: 1_000_000, min: 1, max: 9 },
  ],
  uniform: [
    { distribution: "uniform", min: 3, max: 9 },
    { distribution: "uniform", min: 1, max: 1_000_000 },
  ],
  exponential: [
    { distribution: "exponential", mean: 200, min: 1, max: 1_000_000 },
    { distribution: "exponential", mean: 1000, min: 5, max: 30 },
  ],
  "pareto-lognormal": [
    {
      distribution: "pareto-lognormal",
      tailShare: 0.1,
      alpha: 0.01,
      tailFrom: 500,
      mu: 5,
      sigma: 1,
      min: 1,
      max: 1_000_000,
    },
    { distribution: "pareto-lognormal", tailShare: 0, alpha: 1, tailFrom: 1, mu: -20, sigma: 20, min: 2, max: 9 },
  ],
  empirical: [
    { distribution: "empirical", points: [{ tokens: 3, weight: 1 }] },
    {
      distribution: "empirical",
      points: [
        { tokens: 30, weight: 0.5 },
        { tokens: 1, weight: 9 },
        { tokens: 100, weight: 0.000001 },
      ],
    },
  ],
};
const saidShapes: { readonly [Name in ShapeSaid["shape"]]: readonly Extract<ShapeSaid, { shape: Name }>[] } = {
  constant: [{ shape: "constant" }],
  step: [
    { shape: "step", at: "20m", factor: 2.5 },
    { shape: "step", at: "0s", factor: 0.5 },
  ],
  ramp: [
    { shape: "ramp", at: "10m", duration: "1h", from: 1, to: 3 },
    { shape: "ramp", at: "90m", duration: "0s", from: 2, to: 0.5 },
    { shape: "ramp", at: "0s", duration: "2h", from: 0, to: 4 },
  ],
  spike: [
    { shape: "spike", at: "30m", duration: "5m", factor: 8 },
    { shape: "spike", at: "0s", duration: "90m", factor: 0 },
  ],
  windows: [
    {
      shape: "windows",
      windows: [
        { start: "0s", end: "10m", factor: 2 },
        { start: "10m", end: "20m", factor: 0.5 },
        { start: "1h", end: "100m", factor: 1 },
      ],
    },
  ],
  diurnal: [
    { shape: "diurnal", peakHour: 14, peakToTrough: 4, startHour: 12.5 },
    { shape: "diurnal", peakHour: 0, peakToTrough: 1000, startHour: 23 },
  ],
};

/** How far a count strays from what is expected, in roots of that: the asymptotic cv of the gaps. */
const deviationPerRoot = (arrival: ArrivalSaid): number => {
  if ("cv" in arrival) return arrival.cv;
  if (arrival.process === "constant") return 0;
  if (arrival.process === "poisson") return 1;
  // Index of dispersion of a two-state MMPP over long times (Fischer and Meier-Hellstern, 1993), at rate 1 and lengths in seconds.
  const [on, off] = [durationSeconds(arrival.burst), durationSeconds(arrival.pause)];
  const onRate = (on + off) / (on + off * arrival.pauseShare);
  const swing = onRate * (1 - arrival.pauseShare);
  return Math.sqrt(1 + (2 * swing ** 2 * (on * off) ** 2) / (on + off) ** 3);
};

/** One test per way of saying each choice of a list. */
const everyWay = <Said extends object>(said: { readonly [name: string]: readonly Said[] }) =>
  Object.values(said).flatMap((ways) => ways.map((way) => ({ how: JSON.stringify(way), way })));

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviationOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
};
const draws = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw);

describe.each([
  { list: "arrivals", registry: arrivals as unknown as Registry<string, never>, said: saidArrivals as object },
  { list: "lengths", registry: lengths as unknown as Registry<string, never>, said: saidLengths as object },
  { list: "shapes", registry: shapes as unknown as Registry<string, never>, said: saidShapes as object },
])("list $list", ({ registry, said }) => {
  const all = registry.all as readonly { name: string; summary: string; params: z.ZodObject }[];

  it("is what this file goes through", () => {
    expect(Object.keys(said).sort()).toEqual(all.map(({ name }) => name).sort());
  });

  it("takes each way of saying a choice as it stands", () => {
    for (const way of Object.values(said).flat()) expect(registry.schema.parse(way)).toEqual(way);
  });

  it("has choices that share the schema of a parameter they both name", () => {
    const seen = new Map<string, unknown>();
    for (const { params } of all) {
      const { properties } = z.toJSONSchema(params, { io: "input" });
      for (const [name, schema] of Object.entries(properties ?? {})) {
        expect(schema).toEqual(seen.get(name) ?? schema);
        seen.set(name, schema);
      }
    }
  });

  it("bounds every array and string, and transforms nothing", () => {
    const text = JSON.stringify(z.toJSONSchema(z.array(registry.schema).max(1), { io: "input" }));
    expect(text.match(/"type":"array"/g)?.length).toBe(text.match(/"maxItems"/g)?.length);
    const strings = text.match(/"type":"string"(?!,"const")/g)?.length ?? 0;
    expect(text.match(/"maxLength"/g)?.length ?? 0).toBe(strings);
    expect(() => z.toJSONSchema(registry.schema, { io: "output", unrepresentable: "throw" })).not.toThrow();
  });
});

describe.each(everyWay<ArrivalSaid>(saidArrivals))("arrivals $how", ({ way }) => {
  const make = (rng: Rng) => arrivals.create(way, { rng, ratePerSecond: 1 });

  it("has gaps that are no less than 0 and 1 in the mean", () => {
    const process = make(rngOf(5).stream("gaps"));
    const gaps = draws(50_000, () => process.gap());
    expect(gaps.every((gap) => gap >= 0 && Number.isFinite(gap))).toBe(true);
    expect(Math.abs(meanOf(gaps) - 1)).toBeLessThanOrEqual((5 * deviationOf(gaps)) / Math.sqrt(gaps.length));
  });

  it("expects as many arrivals as time has passed, from the first instant on", () => {
    const counts = (horizon: number) =>
      draws(8000, () => 0).map((_zero, seed) => {
        const process = make(rngOf(seed).stream("counts"));
        let count = 0;
        for (let at = process.first(); at < horizon; at += process.gap()) count += 1;
        return count;
      });
    for (const horizon of [0.3, 2]) {
      const seen = counts(horizon);
      expect(Math.abs(meanOf(seen) - horizon)).toBeLessThanOrEqual((5 * deviationOf(seen)) / Math.sqrt(seen.length));
    }
  });

  it("draws the same again from the same stream", () => {
    forAllSeeds(20, (_rng, seed) => {
      const take = () => {
        const process = make(rngOf(seed).stream("again"));
        return [process.first(), ...draws(20, () => process.gap())];
      };
      expect(take()).toEqual(take());
    });
  });
});

describe.each(everyWay<LengthSaid>(saidLengths))("lengths $how", ({ way }) => {
  it("are whole, at least 1 and within what was said", () =>
    forAllSeeds(100, (rng) => {
      const length = lengths.create(way, { rng });
      const seen = draws(100, () => length.draw());
      const most = "max" in way ? way.max : 1_000_000;
      expect(seen.every((tokens) => Number.isInteger(tokens) && tokens >= 1 && tokens <= most)).toBe(true);
    }));

  it("draws the same again from the same stream", () => {
    const take = () => {
      const length = lengths.create(way, { rng: rngOf(9).stream("again") });
      return draws(100, () => length.draw());
    };
    expect(take()).toEqual(take());
  });
});

describe.each(everyWay<ShapeSaid>(saidShapes))("shape $how", ({ way }) => {
  const shape = shapes.create(way, {});
  const curve = new RateCurve([shape]);

  it("has a peak that no factor exceeds and that some factor comes near", () =>
    forAllSeeds(100, (rng) => {
      const from = rng.next() * 3 * HOUR;
      const to = from + rng.next() * HOUR;
      const factors = draws(500, () => from + rng.next() * (to - from)).map((at) => shape.factor(at));
      const peak = shape.peak(from, to);
      expect(factors.every((factor) => factor >= 0 && factor <= peak)).toBe(true);
      expect(curve.peak).toBeGreaterThanOrEqual(peak);
      const ends = [from, to - 1e-3, ...shape.breaks.filter((at) => at >= from && at < to)];
      const nearest = Math.max(...factors, ...ends.map((at) => shape.factor(at)));
      expect(peak - nearest).toBeLessThan(0.01 * peak + 1e-9);
    }));

  it("is smooth between its breaks", () =>
    forAllSeeds(100, (rng) => {
      const at = rng.next() * 4 * HOUR;
      if (shape.breaks.some((bend) => bend > at && bend <= at + 1000)) return;
      expect(Math.abs(shape.factor(at + 1000) - shape.factor(at))).toBeLessThan(1e-3);
    }));

  it("has the area that many thin slices have", () => {
    const slices = 480_000;
    const width = (4 * HOUR) / slices;
    let sum = 0;
    for (let i = 0; i < slices; i += 1) sum += shape.factor((i + 0.5) * width) * width;
    expect(Math.abs(curve.area(0, 4 * HOUR) / sum - 1)).toBeLessThan(1e-6);
  });

  it("reaches an area where that area is", () =>
    forAllSeeds(200, (rng) => {
      const from = rng.next() * 3 * HOUR;
      const area = rng.next() ** 4 * HOUR;
      const at = curve.reach(from, area);
      if (at === undefined) {
        expect(curve.area(from, 100 * HOUR)).toBeLessThan(area + 0.1);
        return;
      }
      expect(at).toBeGreaterThanOrEqual(from);
      expect(Math.abs(curve.area(from, at) - area)).toBeLessThan(0.1);
    }));
});

describe.each(everyWay<ShapeSaid>(saidShapes))("synthetic traffic in shape $how", ({ way }) => {
  const horizon = 2 * HOUR;

  it.each(everyWay<ArrivalSaid>(saidArrivals))(
    "brings as many requests as its rate expects: $how",
    ({ way: arrival }) => {
      const said = syntheticWorkload.parse({
        clients: [
          {
            name: "users",
            rate: 1,
            arrival,
            prompt: { distribution: "constant", tokens: 1 },
            output: { distribution: "constant", tokens: 1 },
          },
        ],
        pattern: [way],
      });
      const expected = (meanRate(said, horizon) * horizon) / 1e6;
      const source = syntheticSource(said, rngOf(2));
      let [count, before, inOrder] = [0, 0, true];
      for (
        let drawn = source.next();
        drawn.kind === "request" && drawn.request.arrival < horizon;
        drawn = source.next()
      ) {
        inOrder &&= drawn.request.arrival >= before && drawn.request.id === count;
        before = drawn.request.arrival;
        count += 1;
      }
      expect(inOrder).toBe(true);
      const cv = deviationPerRoot(arrival);
      expect(Math.abs(count - expected)).toBeLessThan(5 * cv * Math.sqrt(expected) + 1.01);
      expect(meanRate(said, horizon)).toBeLessThanOrEqual(peakRate(said) * (1 + 1e-12));
    },
  );
});
