import type { InferenceSimulation } from "../../schema/resource.ts";
import { seconds } from "../../sim/time.ts";
import { defaulted, Ledger, overriddenPeriod } from "../ledger.ts";
import type { ManifestRef, ObservedCluster } from "../manifest.ts";
import type { WorkloadReading } from "../reader.ts";
import { podLabelsOf } from "../readers/pod/pod-template-of.ts";
import type { GatewayScenario, JobScenario, MetricsScenario } from "../scenario.ts";
import { mirrorJobs, type ScrapedPods } from "./mirrored-monitors.ts";
import { findPicker, findRouter } from "./mirrored-router.ts";
import { mirrorRuleGroups } from "./mirrored-rules.ts";
import { podPorts } from "./pod-ports.ts";
import { mirrorStartTime } from "./start-time.ts";

/** Look-back of Prometheus' instant queries: --query.lookback-delta, 5 min. */
const LOOK_BACK_SECONDS = 300;

/** What stands between those who show metrics and those who act on them: scrape jobs, rules, and how old samples may be. */
export const mirrorMetrics = (
  simulation: InferenceSimulation,
  workloads: readonly WorkloadReading[],
  gateway: GatewayScenario | undefined,
  cluster: ObservedCluster,
  ledger: Ledger,
): MetricsScenario => {
  const pods = [
    ...workloads.flatMap((one) => podsOf("engine", one.ref, one.container.value, cluster)),
    ...(gateway?.kind === "epp" ? pickerPods(simulation, cluster) : []),
  ];
  const { jobs, interval: ofMonitor } = mirrorJobs(pods, cluster, ledger);
  const ruleGroups = mirrorRuleGroups(cluster, ledger);
  const { overrides } = simulation.spec;
  const said = overriddenPeriod(overrides.metrics?.scrapeInterval, "overrides.metrics.scrapeInterval", ledger);
  const interval =
    said ??
    ofMonitor ??
    defaulted(30, "no monitor is mirrored: 30 s, as kube-prometheus-stack and llm-d's PodMonitor have it");
  const lookBack = defaulted(LOOK_BACK_SECONDS, "Prometheus 3: --query.lookback-delta is 5 min");
  const startUnixSeconds = mirrorStartTime(simulation.spec, ledger);
  return {
    ...(startUnixSeconds === undefined ? {} : { startUnixSeconds }),
    scrapeIntervalMicros: seconds(ledger.use("metrics.scrapeIntervalSeconds", interval)),
    lookBackMicros: seconds(ledger.use("metrics.lookBackSeconds", lookBack)),
    ...(jobs.length === 0
      ? {}
      : { jobs: said === undefined ? jobs : jobs.map((job) => every(said.value * 1000, job)) }),
    ...(ruleGroups.length === 0 ? {} : { ruleGroups }),
  };
};

/** A job of engines, with the interval that the simulation says. */
const every = (intervalMs: number, { job, targets }: JobScenario): JobScenario => {
  if (!targets.some(({ of }) => of.role === "engine")) return { job, targets };
  return { job: { ...job, intervalMs, timeoutMs: Math.min(job.timeoutMs, intervalMs) }, targets };
};

/** The Deployment that picks; that it can't be found or read, the gateway's mirroring has told. */
const pickerPods = (simulation: InferenceSimulation, cluster: ObservedCluster): readonly ScrapedPods[] => {
  const untold = new Ledger();
  const router = findRouter(simulation, cluster, untold);
  const picker = router.kind === "InferencePool" ? findPicker(router.pool, cluster, untold) : undefined;
  return picker === undefined ? [] : podsOf("endpoint-picker", picker.ref, undefined, cluster);
};

const podsOf = (
  role: ScrapedPods["of"]["role"],
  { kind, namespace, name }: ManifestRef,
  container: string | undefined,
  cluster: ObservedCluster,
): readonly ScrapedPods[] => {
  const manifest = cluster.get(kind, namespace, name);
  if (manifest === undefined) return [];
  const labels = podLabelsOf(manifest, cluster);
  return [{ of: { role, name }, kind, namespace, labels, containers: podPorts(manifest, cluster), container }];
};
