import { meetsRequirement } from "../../model/label-requirement.ts";
import { objectText } from "../../model/object-text.ts";
import type { Ledger } from "../ledger.ts";
import { placeOf } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { QuotaReading } from "../reader.ts";
import { quotaReaders } from "../readers/index.ts";
import type { QuotaScenario } from "../scenario.ts";
import type { WorkloadOnNodes } from "./mirrored-nodes.ts";
import { readWith } from "./mirrored-router.ts";

/** What the ResourceQuotas of the namespace let the workloads have together; pods that aren't mirrored take nothing of it. */
export const mirrorQuotas = (
  workloads: readonly WorkloadOnNodes[],
  namespace: string,
  cluster: ObservedCluster,
  ledger: Ledger,
): readonly QuotaScenario[] =>
  cluster.list(quotaReaders[0].kind, namespace).flatMap((manifest) => {
    const quota = readWith(quotaReaders[0], manifest, ledger);
    if (quota === undefined || !isKnown(quota, ledger)) return [];
    const counted = workloads.filter((workload) => counts(quota, workload));
    return quota.hard.flatMap(({ resource, most }): QuotaScenario[] => {
      const taken = counted.flatMap((workload) => {
        const each = takenBy(workload, resource);
        return each === 0 ? [] : [[workload.scenario.name, each] as const];
      });
      if (taken.length === 0) return [];
      const hard = ledger.use(`quotas[${quota.ref.name}].${resource}`, most);
      return [{ name: quota.ref.name, resource, hard, perReplica: Object.fromEntries(taken) }];
    });
  });

/** Of one replica: a group has several pods. */
const takenBy = ({ reading, scenario }: WorkloadOnNodes, resource: string): number => {
  if (!resource.startsWith("requests.")) return reading.group?.size.value ?? 1;
  return resource === `requests.${reading.gpu.resource}` ? scenario.gpusPerReplica : 0;
};

/** Servers' pods have no deadline, and are taken to ask for CPU or memory too. */
const counts = ({ scopes }: QuotaReading, { reading }: WorkloadOnNodes): boolean =>
  scopes.every(({ name, operator, values }) => {
    if (name === "PriorityClass") {
      const named = reading.placement.priorityClass?.value;
      return meetsRequirement(named === undefined ? {} : { [name]: named }, { key: name, operator, values });
    }
    return name === "NotTerminating" || name === "NotBestEffort";
  });

const SCOPES = ["PriorityClass", "NotTerminating", "NotBestEffort", "Terminating", "BestEffort"];

const isKnown = ({ ref, scopes }: QuotaReading, ledger: Ledger): boolean => {
  const other = scopes.find(({ name }) => !SCOPES.includes(name));
  if (other === undefined) return true;
  const message = `which pods scope ${other.name} counts isn't modelled: the quota is left out`;
  ledger.warn({ reason: "NotModelled", ...placeOf(other.from, objectText(ref)), message });
  return false;
};
