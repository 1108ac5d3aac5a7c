import type { Problem } from "../../model/problem.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { OwnedObjects } from "../../store/owned-objects.ts";
import type { Scenario } from "../../twin/scenario.ts";

/** What the installer lets sweeps have of the cluster. */
export interface SweepJobs {
  readonly objects: OwnedObjects;
  /** Namespaces whose sweeps may run as Jobs. */
  readonly namespaces: readonly string[];
  /** Of the pods; said by the installer alone, since whoever may write a simulation need not be one who may run images. */
  readonly image?: string;
}

/** What keeps a sweep from running as Jobs, where that is asked for. @param jobs undefined: there is no cluster, so it runs on threads */
export const jobProblems = (
  { metadata, spec }: InferenceSimulation,
  { traffic }: Scenario,
  jobs: SweepJobs | undefined,
): readonly Problem[] => {
  if (spec.sweep?.job === undefined || jobs === undefined) return [];
  const problem = (reason: string, message: string, fix: string): readonly Problem[] => [
    {
      severity: "error",
      reason,
      field: "spec.sweep.job",
      message,
      fix: `${fix}, or leave spec.sweep.job out: the sweep then runs on the operator's threads`,
    },
  ];
  if (!jobs.namespaces.includes(metadata.namespace)) {
    const message = `the installer permits no Jobs in namespace ${metadata.namespace}`;
    return problem("SweepJobsNotPermitted", message, "ask for --sweep-job-namespace and the rights that go with it");
  }
  if (jobs.image === undefined)
    return problem("NoSweepImage", "the operator knows no image for the pods", "ask the installer for --sweep-image");
  if (traffic.kind === "trace" && traffic.input.kind !== "inline") {
    const message = "pods of a sweep have no network and no volumes, so they can't read this trace";
    return problem("TraceNotCarried", message, "put the trace into a ConfigMap");
  }
  return [];
};
