import { createEngine } from "../../src/engine/create-engine.ts";
import { ENGINE_CASES, type EngineMeasured, measureEngine, stepByStep } from "./engine-cases.ts";
import { EngineLoad } from "./engine-load.ts";

/**
 * The engine alone, over batch size, output length and load, against the one that takes every step:
 * `npx tsx test/bench/engine.ts`. Then a replica-day, which `-- --day` has alone.
 */
const cases = process.argv.includes("--day") ? [] : ENGINE_CASES;
if (cases.length > 0)
  console.log("case                            steps     wakes   us/wake        ms   step by step ms   ratio");
for (const one of cases) {
  // Twice, so that neither pays for the other's warming up.
  const [fast] = [measureEngine(createEngine, one), measureEngine(createEngine, one)].slice(1) as [EngineMeasured];
  const [naive] = [measureEngine(stepByStep, one), measureEngine(stepByStep, one)].slice(1) as [EngineMeasured];
  const columns = [
    fast.steps,
    fast.wakes,
    ((fast.ms * 1e3) / fast.wakes).toFixed(2),
    fast.ms.toFixed(0),
    naive.ms.toFixed(0),
    (naive.ms / fast.ms).toFixed(1),
  ];
  console.log(
    one.name.padEnd(26) + columns.map((column, i) => String(column).padStart([11, 10, 10, 10, 18, 8][i] ?? 0)).join(""),
  );
}

const day = new EngineLoad(5);
const began = process.cpuUsage();
day.run(432_000);
const { user, system } = process.cpuUsage(began);
console.log(`a replica-day: ${((user + system) / 1e6).toFixed(2)} s of CPU, ${day.wakes} wakes, ${day.steps} steps`);
