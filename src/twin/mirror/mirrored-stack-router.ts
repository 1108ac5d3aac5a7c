import type { InferenceSimulation } from "../../schema/resource.ts";
import type { Ledger } from "../ledger.ts";
import type { ObservedCluster } from "../manifest.ts";
import type { StackRouterReading } from "../reader.ts";
import { stackRouterReaders } from "../readers/index.ts";
import { runsStackRouter } from "../readers/production-stack/stack-router.ts";
import { labelled, readSilently, readWith, selects } from "./mirrored-router.ts";

/**
 * production-stack's router whose `--k8s-label-selector` selects the workloads' pods, if the simulation doesn't ask for
 * another kind of router. One that can't be read, or finds its replicas otherwise than by labels, is told.
 */
export const findStackRouter = (
  { metadata: { namespace }, spec: { mirror } }: InferenceSimulation,
  cluster: ObservedCluster,
  ledger: Ledger,
): StackRouterReading | undefined => {
  if (mirror.router !== undefined) return undefined;
  const workloads = labelled(mirror.workloads, namespace, cluster);
  const [reader] = stackRouterReaders;
  const fitting = cluster.list("Deployment", namespace).filter((manifest) => {
    if (!runsStackRouter(manifest)) return false;
    const read = readSilently(reader, manifest);
    if (read === undefined) return true;
    return read.discovery !== "k8s" || (read.namespace === namespace && selectsAll(read.selector, workloads));
  });
  const [manifest, other] = fitting;
  if (manifest === undefined) return undefined;
  if (other !== undefined) {
    return ledger.error({
      reason: "TwoRouters",
      field: "spec.mirror.router",
      message: `Deployments ${fitting.map((one) => one.metadata.name).join(" and ")} both route to the workloads' pods`,
      fix: "set spec.overrides.gateway.policy to what is to be simulated",
    });
  }
  const read = readWith(reader, manifest, ledger);
  if (read === undefined || read.discovery === "k8s") return read;
  ledger.warn({
    reason: "NotFollowed",
    object: `Deployment/${namespace}/${manifest.metadata.name}`,
    message: `finds its replicas by --service-discovery ${read.discovery ?? "nothing"}, which is not followed: it is passed over`,
    fix: "set spec.overrides.gateway.policy",
  });
  return undefined;
};

const selectsAll = (selector: Readonly<Record<string, string>>, workloads: ReturnType<typeof labelled>): boolean =>
  Object.keys(selector).length === 0 || workloads.every(({ labels }) => selects(selector, labels));
