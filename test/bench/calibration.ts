import { type Interval, intervalOf, readingOf } from "../../src/report/drift/index.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { type Calibrated, calibrate } from "../../src/validation/calibrate.ts";
import { fittablesOf, type OwnLatency } from "../../src/validation/calibrated-corrections.ts";
import { commonBounds, scenarioAt, simulatedInterval, simulator, tallyOf } from "../../src/worker/calibration/tally.ts";
import { driftScenario } from "./drift.ts";

/** How often true values lie within the intervals that calibration gives: `npm run bench:calibration`. */

const [FROM, MINUTES, BLOCKS] = [300, 20, 10];
const TO = FROM + 60 * MINUTES;
const RATE = 2;

/** What a production does in blocks of time, one after the other. */
export const blocksOf = (scenario: Scenario): readonly Interval[] => {
  const world = new World(scenario);
  const readings = Array.from({ length: BLOCKS + 1 }, (_, i) => {
    const at = ((FROM + (i * (TO - FROM)) / BLOCKS) * 1e6) as SimTime;
    world.runUntil(at);
    return readingOf(familiesOf(world.view(at)));
  });
  return readings.slice(1).map((reading, i) => intervalOf(readings[i] as typeof reading, reading) as Interval);
};

export const calibration = (replications: number) => {
  const scenario = driftScenario(1, RATE);
  const own = scenario.workloads[0]?.latency as unknown as OwnLatency;
  const fittables = fittablesOf(own);
  const first = simulatedInterval(scenario, FROM, TO) as Interval;
  const bounds = commonBounds(first, first);
  const simulate = simulator({ scenario, fromSeconds: FROM, toSeconds: TO, bounds, replications });
  /** @param truth logarithms, in the order of the fittables */
  const fit = (truth: readonly number[], seed: number): Calibrated =>
    calibrate(
      blocksOf({ ...scenarioAt(scenario, truth), seed }).map((interval) => tallyOf(interval, bounds)),
      fittables,
      simulate,
    );
  return { fittables, fit };
};

const main = (): void => {
  const runs = Number(process.argv[2] ?? 60);
  const { fittables, fit } = calibration(4);
  const truth = fittables.map(({ name, middle }) => (name === "stepFactor" ? middle + Math.log(1.12) : middle + 0.3));
  const within = new Map<string, { inside: number; of: number; errors: number[]; widths: number[] }>();
  for (let seed = 1; seed <= runs; seed += 1) {
    for (const { name, after, interval } of fit(truth, 50_000 + seed).values) {
      const known = within.get(name) ?? { inside: 0, of: 0, errors: [], widths: [] };
      within.set(name, known);
      const real = truth[fittables.findIndex((one) => one.name === name)] as number;
      known.of += 1;
      if (real >= interval[0] && real <= interval[1]) known.inside += 1;
      known.errors.push(after - real);
      known.widths.push(interval[1] - interval[0]);
    }
  }
  for (const [name, { inside, of, errors, widths }] of within) {
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const bias = mean(errors);
    const scatter = Math.sqrt(mean(errors.map((error) => (error - bias) ** 2)));
    process.stdout.write(
      `${name}: true value within its 90 % interval in ${inside} of ${of} (${((100 * inside) / of).toFixed(0)} %); error ${(100 * bias).toFixed(1)} % +- ${(100 * scatter).toFixed(1)} %, intervals ${(100 * mean(widths)).toFixed(1)} % wide\n`,
    );
  }
};

if (process.argv[1]?.endsWith("calibration.ts") === true) main();
