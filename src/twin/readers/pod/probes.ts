import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Field } from "../../field.ts";

/** When the kubelet notices that a pod is up, and how it takes one down. Seconds. */
export interface PodLifeReading {
  readonly probeInitialDelaySeconds: Known<number>;
  readonly probePeriodSeconds: Known<number>;
  /** After so long without an answer the kubelet restarts the container; undefined: never. */
  readonly startupGivesUpSeconds: Known<number> | undefined;
  readonly gracePeriodSeconds: Known<number>;
  readonly preStopSeconds: Known<number>;
  readonly minReadySeconds: Known<number>;
}

const byApi = <T>(value: T, what: string): Known<T> => known(value, { kind: "default", why: `Kubernetes: ${what}` });

/**
 * A startup probe holds the others back; once it succeeds the kubelet runs the readiness probe at once (since v1.23), so
 * its period is the one that counts. Sources: kubelet prober and API defaults, Kubernetes v1.36.
 *
 * @param workload spec of the workload; @param pod spec of its pods
 */
export const readPodLife = (workload: Field, pod: Field, container: Field, problems: Problem[]): PodLifeReading => {
  const startup = container.at("startupProbe");
  const readiness = container.at("readinessProbe");
  const gate = startup.present ? startup : readiness;
  if (!readiness.present && !startup.present) problems.push(noProbe(container));
  return {
    probeInitialDelaySeconds: laterDelay(startup, readiness),
    probePeriodSeconds: gate.present ? periodOf(gate) : byApi(1, "no probe is set"),
    startupGivesUpSeconds: startup.present ? givesUp(startup) : undefined,
    gracePeriodSeconds:
      pod.at("terminationGracePeriodSeconds").whole() ?? byApi(30, "terminationGracePeriodSeconds is 30"),
    preStopSeconds: preStopOf(container.at("lifecycle", "preStop"), problems),
    minReadySeconds: workload.at("minReadySeconds").whole() ?? byApi(0, "minReadySeconds is 0"),
  };
};

const laterDelay = (startup: Field, readiness: Field): Known<number> => {
  const delays = [startup, readiness].flatMap((probe) => probe.at("initialDelaySeconds").whole() ?? []);
  return delays.reduce((a, b) => (b.value > a.value ? b : a), byApi(0, "initialDelaySeconds is 0"));
};

/** The API server reads 0 as unset. */
const periodOf = (probe: Field): Known<number> => {
  const said = probe.at("periodSeconds").whole();
  return said !== undefined && said.value > 0 ? said : byApi(10, "periodSeconds of a probe is 10");
};

const givesUp = (startup: Field): Known<number> => {
  const failures = startup.at("failureThreshold").whole() ?? byApi(3, "failureThreshold is 3");
  const delay = startup.at("initialDelaySeconds").whole()?.value ?? 0;
  return known(delay + failures.value * periodOf(startup).value, failures.from);
};

const noProbe = (container: Field): Problem => ({
  severity: "warning",
  reason: "NoReadinessProbe",
  object: container.object,
  field: `${container.path}.readinessProbe`,
  message:
    "without a readinessProbe Kubernetes routes requests to the pod while the server still loads, and they fail; it is simulated as " +
    "if they came when the server answers",
  fix: "set a readinessProbe on /health",
});

const SLEEP = /\bsleep\s+(\d+(?:\.\d+)?)([smh]?)\b/g;
const UNIT = { "": 1, s: 1, m: 60, h: 3600 } as const;

const preStopOf = (hook: Field, problems: Problem[]): Known<number> => {
  if (!hook.present) return byApi(0, "no preStop hook is set");
  const asleep = hook.at("sleep", "seconds").whole();
  if (asleep !== undefined) return asleep;
  const command = hook.at("exec", "command");
  const text = command
    .items()
    .flatMap((word) => word.text()?.value ?? [])
    .join(" ");
  const sleeps = [...text.matchAll(SLEEP)].map(([, amount, unit]) => Number(amount) * UNIT[unit as keyof typeof UNIT]);
  if (sleeps.length > 0)
    return known(
      sleeps.reduce((sum, one) => sum + one, 0),
      command.from,
    );
  problems.push({
    severity: "warning",
    reason: "UnknownPreStop",
    object: hook.object,
    field: hook.path,
    message: "how long the preStop hook takes can't be read, as it doesn't sleep; 0 s is assumed",
  });
  return known(0, { kind: "default", why: "the preStop hook doesn't sleep" });
};
