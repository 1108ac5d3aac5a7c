import type { Problem } from "../../model/problem.ts";
import type { KubeObject } from "../../store/store.ts";
import { readResult, type ShardResult } from "../../worker/sweep/result-lines.ts";

interface Terminated {
  readonly exitCode?: number;
  readonly reason?: string;
  readonly message?: string;
}
interface PodStatus {
  readonly phase?: string;
  readonly containerStatuses?: readonly {
    readonly state?: { readonly terminated?: Terminated; readonly waiting?: { reason?: string; message?: string } };
  }[];
}
interface JobStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
}

const containersOf = ({ status }: KubeObject) => (status as PodStatus | undefined)?.containerStatuses ?? [];

/** What pods have left behind, however they ended. */
export const resultsOf = (pods: readonly KubeObject[]): readonly ShardResult[] =>
  pods.flatMap(containersOf).flatMap(({ state }) => readResult(state?.terminated?.message ?? "") ?? []);

/** What a pod waits for that doesn't come by itself, such as an image that isn't there. */
export const waitingOf = (pods: readonly KubeObject[]): string | undefined => {
  for (const { state } of pods.flatMap(containersOf)) {
    const { reason = "", message = "" } = state?.waiting ?? {};
    if (
      /^(ErrImage|ImagePull|ImageInspect|InvalidImage|RegistryUnavailable|CreateContainer|ErrSetupFailed)/.test(reason)
    )
      return `a pod waits: ${reason}: ${message}`.slice(0, 500);
  }
  return undefined;
};

export const jobState = ({ status, spec }: KubeObject): "running" | "suspended" | "complete" | "failed" => {
  const holds = (type: string): boolean =>
    (status as JobStatus | undefined)?.conditions?.some((one) => one.type === type && one.status === "True") === true;
  if (holds("Complete")) return "complete";
  if (holds("Failed")) return "failed";
  return (spec as { suspend?: boolean }).suspend === true ? "suspended" : "running";
};

/** Why a Job has failed, by its pods and by what it says itself. */
export const failureOf = (job: KubeObject, pods: readonly KubeObject[]): Problem => {
  const said = (job.status as JobStatus | undefined)?.conditions?.find(({ type }) => type === "Failed")?.message ?? "";
  const died = pods.flatMap((pod) =>
    containersOf(pod).flatMap(({ state }) =>
      state?.terminated?.exitCode === undefined || state.terminated.exitCode === 0
        ? []
        : [{ name: pod.metadata.name, ...state.terminated }],
    ),
  );
  const [first] = died;
  const how =
    first === undefined
      ? ""
      : `; pod ${first.name} ended with ${first.exitCode} (${first.reason ?? "no reason given"})`;
  const outOfMemory = died.some(({ reason, exitCode }) => reason === "OOMKilled" || exitCode === 137);
  return {
    severity: "error",
    reason: "SweepPodsFailed",
    field: "spec.sweep.job",
    message: `Job ${job.metadata.name} failed${said === "" ? "" : `: ${said}`}${how}`,
    fix: outOfMemory
      ? "raise spec.sweep.job.memory, or mirror fewer replicas"
      : `see kubectl logs -n ${job.metadata.namespace} job/${job.metadata.name}`,
  };
};
