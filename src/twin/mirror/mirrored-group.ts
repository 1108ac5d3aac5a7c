import type { Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import { type Ledger, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { WorkloadScenario } from "../scenario.ts";

/** A replica of several pods; undefined where it is one. */
export const mirrorGroup = (
  reading: WorkloadReading,
  engine: { readonly parallelism: Parallelism; readonly moe: boolean },
  ledger: Ledger,
  path: string,
): WorkloadScenario["group"] => {
  const { group } = reading;
  if (group === undefined) return undefined;
  tellNetwork(reading, engine, ledger);
  return {
    size: ledger.use(`${path}.group.size`, group.size),
    workersAfterLeader: ledger.use(`${path}.group.workersAfterLeader`, group.workersAfterLeader),
  };
};

/** How much of a replica's weights each of its pods loads: those of its own GPUs. */
export const shareOfPod = ({ group }: WorkloadReading, { tp, pp }: Parallelism): number =>
  group === undefined ? 1 : Math.min(1, Math.max(group.leaderGpus, group.workerGpus) / (tp * pp));

/** Step times know one link between GPUs, that within a node; pipeline stages hand over little. */
const tellNetwork = (
  { ref, group, arguments: said }: WorkloadReading,
  { parallelism: { tp, dp }, moe }: { readonly parallelism: Parallelism; readonly moe: boolean },
  ledger: Ledger,
): void => {
  const most = Math.max(group?.leaderGpus ?? 0, group?.workerGpus ?? 0);
  const [flag, what] =
    tp > most
      ? ["tensor-parallel-size", `the ${tp} GPUs of a tensor-parallel group`]
      : moe && tp * dp > most
        ? ["data-parallel-size", `the ${tp * dp} GPUs that share the experts`]
        : [];
  const from = flag === undefined ? undefined : said.number(flag)?.from;
  if (from === undefined) return;
  ledger.warn({
    reason: "NotModelled",
    ...placeOf(from, objectText(ref)),
    message: `${what} are on several nodes; their messages are simulated as fast as within one, so real steps take longer`,
    fix: "correct step times in spec.overrides.engine.latencyCorrections",
  });
};
