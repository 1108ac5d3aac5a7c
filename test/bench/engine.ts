import { createEngine } from "../../src/engine/create-engine.ts";
import { ENGINE_CASES, type EngineMeasured, measureEngine, stepByStep } from "./engine-cases.ts";

/**
 * The engine alone, over batch size, output length and load, against the one that takes every step:
 * `npx tsx test/bench/engine.ts`.
 */
console.log("case                            steps     wakes   us/wake        ms   step by step ms   ratio");
for (const one of ENGINE_CASES) {
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
