import type { Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import { defaulted, type Ledger, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";

/** How one replica is split over GPUs. */
export const mirrorParallelism = (reading: WorkloadReading, ledger: Ledger, path: string): Parallelism | undefined => {
  const { arguments: said } = reading;
  const object = objectText(reading.ref);
  const size = (flag: string, name: string): number => {
    const found = said.number(flag) ?? defaulted(1, `vLLM: --${flag} is 1`);
    if (found.value < 1) {
      const fix = `set --${flag} to 1 or more`;
      ledger.error({
        reason: "BadArgument",
        ...placeOf(found.from, object),
        message: `--${flag} must be at least 1`,
        fix,
      });
    }
    return ledger.use(`${path}.parallelism.${name}`, found);
  };
  const expertParallel = said.switch("enable-expert-parallel") ?? defaulted(false, "vLLM: experts are not spread");
  const parallelism = {
    tp: size("tensor-parallel-size", "tp"),
    pp: size("pipeline-parallel-size", "pp"),
    dp: size("data-parallel-size", "dp"),
    expertParallel: ledger.use(`${path}.parallelism.expertParallel`, expertParallel),
  };
  return Math.min(parallelism.tp, parallelism.pp, parallelism.dp) < 1 ? undefined : parallelism;
};
