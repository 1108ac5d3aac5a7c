import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { describeProblem } from "../../src/model/problem.ts";
import { type Drift, DriftWatch, type Reading, readingOf } from "../../src/report/drift/index.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { type Manifest, mirror } from "../../src/twin/mirror.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";

/** How often drift is found where there is none, and how soon where there is: `npm run bench:drift`. */

const MINUTE = 60e6;
/** As a Shadow does: a world that began empty is compared once it has filled. */
const SETTLED_MINUTES = 5;

/** A chat on two pods of the quickstart's Deployment. @param stepFactor on the time of every step of its engines */
export const driftScenario = (stepFactor: number, rate: number): Scenario => {
  const [deployment] = loadAll(readFileSync("deploy/examples/quickstart/vllm-llama-8b.yaml", "utf8")) as Manifest[];
  const parsed = parseSimulation(
    {
      apiVersion: "servetwin.dev/v1alpha1",
      kind: "InferenceSimulation",
      metadata: { name: "drift", namespace: "inference" },
      spec: {
        mode: "Shadow",
        mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
        overrides: { replicas: 2, engine: { latencyCorrections: { stepFactor } } },
        workload: {
          synthetic: {
            clients: [
              {
                name: "chat",
                rate,
                prompt: { distribution: "lognormal", mean: 700, deviation: 600, max: 8000 },
                output: { distribution: "lognormal", mean: 120, deviation: 90, max: 2000 },
              },
            ],
          },
        },
      },
    },
    {},
  );
  if (!parsed.ok) throw new Error(parsed.problems.map(describeProblem).join("\n"));
  const cluster = {
    get: (kind: string) => (kind === "Deployment" ? deployment : undefined),
    list: (kind: string) => (kind === "Deployment" && deployment !== undefined ? [deployment] : []),
  };
  const mirrored = mirror(parsed.value, cluster, { limits: DEFAULT_LIMITS });
  if (!mirrored.ok) throw new Error(mirrored.problems.map(describeProblem).join("\n"));
  return mirrored.value.scenario;
};

/** What a run's series are, minute by minute, from when it has settled. */
export const readingsOf = (scenario: Scenario, seed: number, minutes: number): readonly Reading[] => {
  const world = new World({ ...scenario, seed });
  return Array.from({ length: minutes + 1 }, (_, i) => {
    const at = ((SETTLED_MINUTES + i) * MINUTE) as SimTime;
    world.runUntil(at);
    return readingOf(familiesOf(world.view(at)));
  });
};

/** @returns the minute at which it was said that they differ, and what was said; undefined: never */
export const driftBetween = (
  simulated: readonly Reading[],
  production: readonly Reading[],
): { readonly minute: number; readonly drift: Drift } | undefined => {
  const watch = new DriftWatch();
  for (const [minute, reading] of simulated.entries()) {
    const drift = watch.add(reading, production[minute] as Reading);
    if (drift.drifted === true) return { minute, drift };
  }
  return undefined;
};

const percentile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] as number;

const main = (): void => {
  const runs = Number(process.argv[2] ?? 200);
  const minutes = 45;
  const rate = 2;
  const scenario = driftScenario(1, rate);
  let before = readingsOf(scenario, 1, minutes);
  let wrong = 0;
  for (let seed = 2; seed <= runs + 1; seed += 1) {
    const now = readingsOf(scenario, seed, minutes);
    const said = driftBetween(before, now);
    if (said !== undefined) {
      wrong += 1;
      process.stdout.write(`seed ${seed}: minute ${said.minute}: ${said.drift.message}\n`);
    }
    before = now;
  }
  process.stdout.write(`the same world twice: ${wrong} of ${runs} runs of ${minutes} min are said to drift\n`);
  const slower = Math.max(1, Math.round(runs / 5));
  const found: { minute: number; cause: string }[] = [];
  for (let seed = 1; seed <= slower; seed += 1) {
    const production = readingsOf(driftScenario(1.15, rate), 10_000 + seed, minutes);
    const said = driftBetween(readingsOf(scenario, seed, minutes), production);
    if (said !== undefined) found.push({ minute: said.minute, cause: said.drift.cause ?? "" });
  }
  const within = found.filter(({ minute }) => minute <= 30).length;
  const engine = found.filter(({ cause }) => cause === "EngineDiffers").length;
  process.stdout.write(
    `a 15 % slower engine: found in ${within} of ${slower} runs within 30 min` +
      (found.length === 0
        ? "\n"
        : `, median ${percentile(
            found.map(({ minute }) => minute),
            0.5,
          )} min, last ${Math.max(...found.map(({ minute }) => minute))} min; cause EngineDiffers in ${engine}\n`),
  );
};

if (process.argv[1]?.endsWith("drift.ts") === true) main();
