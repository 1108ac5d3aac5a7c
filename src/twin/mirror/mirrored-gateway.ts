import type { PolicySaid } from "../../dataplane/policies/index.ts";
import type { SchedulingSaid } from "../../dataplane/scheduling.ts";
import { durationSeconds } from "../../model/duration.ts";
import { type Known, known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import { MOST_PICKERS } from "../../schema/simulation-spec.ts";
import { seconds } from "../../sim/time.ts";
import { defaulted, type Ledger, overridden, overriddenPeriod } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { EndpointPickerReading, WorkloadReading } from "../reader.ts";
import {
  type EndpointPickerConfigReading,
  readPickerConfig,
} from "../readers/endpoint-picker/endpoint-picker-config.ts";
import type { GatewayScenario, KvTransferScenario, PickerGateway, WorkloadScenario } from "../scenario.ts";
import { tellBlockSizes, tellPorts } from "./contradictions.ts";
import { mirrorGate } from "./mirrored-gate.ts";
import { mirrorPriorities } from "./mirrored-priorities.ts";
import { tellRewrites } from "./mirrored-rewrites.ts";
import { routeTimeout } from "./mirrored-route.ts";
import { findPicker, findRouter, type Router } from "./mirrored-router.ts";
import { mirrorScheduling } from "./mirrored-scheduling.ts";
import { findStackRouter } from "./mirrored-stack-router.ts";
import { pickerConfigOf } from "./picker-config.ts";
import { insteadOf } from "./unmodelled-plugins.ts";

interface Parts {
  /** The workloads behind it, and what they are simulated as. */
  readonly readings: readonly WorkloadReading[];
  readonly workloads: readonly WorkloadScenario[];
  readonly cluster: ObservedCluster;
  /** What `pickerConfigWanted` asked for. */
  readonly pickerConfig: string | undefined;
}

const REFRESH_SECONDS = 0.05;
const STALENESS_SECONDS = 2;

/**
 * The gateway in front of the workloads: what the simulation says, else the endpoint picker of the InferencePool that selects
 * their pods, else a Service. Undefined if the picker's configuration can't be had, which the ledger says.
 */
export const mirrorGateway = (
  simulation: InferenceSimulation,
  { readings, workloads, cluster, pickerConfig }: Parts,
  ledger: Ledger,
): GatewayScenario | undefined => {
  const override = simulation.spec.overrides.gateway ?? {};
  const router = findRouter(simulation, cluster, ledger);
  for (const reading of readings) {
    tellPorts(reading, router.kind === "InferencePool" ? router.pool : undefined, cluster, ledger);
  }
  const { policy, endpointPickerConfig } = override;
  if (policy !== undefined || (endpointPickerConfig === undefined && router.kind !== "InferencePool")) {
    return policyGateway(simulation, { router, cluster, workloads }, ledger);
  }
  const picker = pickerOf(router, endpointPickerConfig !== undefined, cluster, ledger);
  const found = pickerConfigOf(simulation, picker, pickerConfig, ledger);
  if (found === undefined) return undefined;
  const experimental = picker === undefined || picker.experimental.value;
  const read = readPickerConfig(found.raw, found.place, { experimental, origin: found.origin });
  ledger.problems.push(...(read.ok ? read.warnings : read.problems));
  if (!read.ok) return undefined;
  tellBlockSizes(read.value.plugins, workloads, ledger);
  return pickerGateway(simulation, { router, picker, config: read.value, cluster }, ledger);
};

const policyGateway = (
  simulation: InferenceSimulation,
  { router, cluster, workloads }: { readonly router: Router } & Pick<Parts, "cluster" | "workloads">,
  ledger: Ledger,
): GatewayScenario => {
  const { policy, pickers, scrapeInterval, requestTimeout } = simulation.spec.overrides.gateway ?? {};
  const byService = { policy: "random" as const };
  const stack = policy === undefined ? findStackRouter(simulation, cluster, ledger) : undefined;
  if (stack !== undefined) ledger.use("gateway.router", known(stack.ref.name, stack.policy.from));
  const said = policy ?? (stack && withBlocksOf(workloads, stack.policy.value)) ?? byService;
  const from =
    overridden(policy, "overrides.gateway.policy")?.from ??
    stack?.policy.from ??
    (router.kind === "Service"
      ? known(byService, router.service.selector.from).from
      : defaulted(byService, "no gateway is mirrored: a Service picks a ready pod at random").from);
  ledger.use("gateway.policy", known(said.policy, from));
  const interval =
    overriddenPeriod(scrapeInterval, "overrides.gateway.scrapeInterval", ledger) ??
    stack?.refreshSeconds ??
    defaulted(REFRESH_SECONDS, "llm-d endpoint picker: --refresh-metrics-interval is 50 ms");
  const scrapeIntervalMicros = seconds(ledger.use("gateway.scrapeIntervalSeconds", interval));
  const isApart = said.policy === "production-stack-disaggregated";
  return {
    kind: "policy",
    policy: said,
    scrapeIntervalMicros,
    ...pickersOf(pickers, stack, ledger),
    ...(isApart ? { kvTransfer: mirrorKvTransfer(simulation, isApart, ledger) } : {}),
    ...timeoutOf(requestTimeout, router, cluster, ledger),
  };
};

/** Its blocks are the engines'. */
const withBlocksOf = ([workload]: readonly WorkloadScenario[], said: PolicySaid): PolicySaid =>
  workload === undefined || said.policy !== "production-stack-kvaware"
    ? said
    : { ...said, kvBlockTokens: workload.engine.blockSize };

/** One that only overrides' configuration runs on need not be there: then flags have their defaults. */
const pickerOf = (
  router: Router,
  isOverridden: boolean,
  cluster: ObservedCluster,
  ledger: Ledger,
): EndpointPickerReading | undefined => {
  if (router.kind !== "InferencePool") return undefined;
  const failed = ledger.failed;
  const picker = findPicker(router.pool, cluster, ledger);
  if (picker !== undefined || isOverridden || ledger.failed !== failed) return picker;
  const { pool } = router;
  const { name, kind } = pool.picker.value;
  return ledger.error({
    reason: "EndpointPickerNotFound",
    object: objectText(pool.ref),
    ...(pool.picker.from.kind === "field" ? { field: pool.picker.from.field } : {}),
    message: `no Deployment of an endpoint picker stands behind ${kind} ${name} in namespace ${pool.ref.namespace}, nor has --pool-name=${pool.ref.name}`,
    fix: "mirror its Deployment and Service too, or set spec.overrides.gateway.endpointPickerConfig or policy",
  });
};

interface Picking {
  readonly router: Router;
  readonly picker: EndpointPickerReading | undefined;
  readonly config: EndpointPickerConfigReading;
  readonly cluster: ObservedCluster;
}

const pickerGateway = (
  simulation: InferenceSimulation,
  { router, picker, config, cluster }: Picking,
  ledger: Ledger,
): GatewayScenario | undefined => {
  const { pickers, scrapeInterval, metricsStaleness, requestTimeout } = simulation.spec.overrides.gateway ?? {};
  if (router.kind === "InferencePool") {
    ledger.use("gateway.pool", known(router.pool.ref.name, router.pool.selector.from));
    if (picker !== undefined) ledger.use("gateway.endpointPicker", known(picker.ref.name, router.pool.picker.from));
  }
  const sideBySide = pickersOf(pickers, picker, ledger);
  tellUnmodelled(config, ledger);
  const scheduling = mirrorScheduling(config, ledger);
  const priorities = mirrorPriorities(simulation, router, cluster, ledger);
  if (router.kind === "InferencePool") tellRewrites(router.pool.ref, cluster, ledger);
  const gate = mirrorGate(config, priorities, ledger);
  const interval =
    overriddenPeriod(scrapeInterval, "overrides.gateway.scrapeInterval", ledger) ??
    picker?.refreshSeconds ??
    defaulted(REFRESH_SECONDS, "llm-d endpoint picker: --refresh-metrics-interval is 50 ms");
  const staleness =
    overriddenPeriod(metricsStaleness, "overrides.gateway.metricsStaleness", ledger) ??
    picker?.stalenessSeconds ??
    defaulted(STALENESS_SECONDS, "llm-d endpoint picker: --metrics-staleness-threshold is 2 s");
  const scrapeIntervalMicros = seconds(ledger.useSeconds("gateway.scrapeIntervalSeconds", interval, ""));
  const stalenessMicros = seconds(ledger.useSeconds("gateway.stalenessSeconds", staleness, ""));
  const timeout = timeoutOf(requestTimeout, router, cluster, ledger);
  if (scheduling === undefined || gate === undefined) return undefined;
  const kvTransfer = mirrorKvTransfer(simulation, APART.includes(scheduling.handler.type), ledger);
  const delay = kvEventDelay(simulation, scheduling, ledger);
  const { namespace, name: pool } = router.kind === "InferencePool" ? router.pool.ref : simulation.metadata;
  return {
    kind: "epp",
    namespace,
    pool,
    ...serviceOf(router),
    scheduling: { ...scheduling, kvEventDelayMicros: delay },
    gate,
    ...sideBySide,
    scrapeIntervalMicros,
    stalenessMicros,
    kvTransfer,
    ...timeout,
  };
};

/** Left out where it is named as usual. */
const serviceOf = (router: Router): Pick<PickerGateway, "service"> => {
  if (router.kind !== "InferencePool") return {};
  const { name } = router.pool.picker.value;
  return name === `${router.pool.ref.name}-epp` ? {} : { service: name };
};

/** Handlers that send prompts to replicas of their own. */
const APART: readonly string[] = ["disagg-profile-handler", "pd-profile-handler"];

/** No object says how fast KV caches move. */
const mirrorKvTransfer = ({ spec }: InferenceSimulation, isApart: boolean, ledger: Ledger): KvTransferScenario => {
  const said = spec.overrides.gateway?.kvTransfer ?? {};
  const field = (name: string): string => `overrides.gateway.kvTransfer.${name}`;
  const why = "the reference simulator: 25 GB/s, 50 us";
  const values = {
    bandwidthGBs: overridden(said.bandwidthGBs, field("bandwidthGBs")) ?? defaulted(25, why),
    latencySeconds:
      overridden(said.latency === undefined ? undefined : durationSeconds(said.latency), field("latency")) ??
      defaulted(0.00005, why),
    contention:
      overridden(said.contention, field("contention")) ??
      defaulted(true, "transfers of one replica share its network card"),
    failureRatio: overridden(said.failureRatio, field("failureRatio")) ?? defaulted(0, "every transfer succeeds"),
  };
  if (isApart) {
    for (const [name, value] of Object.entries(values))
      ledger.use(`gateway.kvTransfer.${name}`, value as Known<number>);
  }
  return {
    gigabytesPerSecond: values.bandwidthGBs.value,
    latencyMicros: seconds(values.latencySeconds.value),
    contention: values.contention.value,
    failureRatio: values.failureRatio.value,
  };
};

const kvEventDelay = ({ spec }: InferenceSimulation, { producers }: SchedulingSaid, ledger: Ledger): number => {
  const said = spec.overrides.gateway?.kvEventDelay;
  const value =
    overridden(said === undefined ? undefined : durationSeconds(said), "overrides.gateway.kvEventDelay") ??
    defaulted(0.05, "the reference simulator: cache_signal_delay is 50 ms");
  const heard = producers.some(({ plugin }) => plugin.type === "precise-prefix-cache-producer");
  return seconds(heard ? ledger.use("gateway.kvEventDelaySeconds", value) : value.value);
};

const timeoutOf = (
  said: string | undefined,
  router: Router,
  cluster: ObservedCluster,
  ledger: Ledger,
): { readonly requestTimeoutMicros?: number } => {
  const own = overridden(said === undefined ? undefined : durationSeconds(said), "overrides.gateway.requestTimeout");
  const found: Known<number> | undefined =
    own ?? (router.kind === "none" ? undefined : routeTimeout(router, cluster, ledger));
  if (found === undefined) return {};
  const value = ledger.useSeconds("gateway.requestTimeoutSeconds", found, "");
  return value === 0 ? {} : { requestTimeoutMicros: seconds(value) };
};

/** How many are at work side by side: of those that elect a leader, one. */
const pickersOf = (
  said: number | undefined,
  picker: Pick<EndpointPickerReading, "ref" | "replicas" | "active"> | undefined,
  ledger: Ledger,
): { readonly pickers?: number } => {
  const active = overridden(said, "overrides.gateway.pickers") ?? picker?.active;
  if (active === undefined) return {};
  const { value } = active;
  const simulated = Math.min(Math.max(1, ledger.use("gateway.pickerReplicas", active)), MOST_PICKERS);
  if (simulated !== value && picker !== undefined) {
    ledger.warn({
      reason: "NotModelled",
      object: objectText(picker.ref),
      ...(picker.replicas.from.kind === "field" ? { field: picker.replicas.from.field } : {}),
      message: `${value} replicas are at work; ${simulated} ${simulated === 1 ? "is" : "are"} simulated`,
    });
  }
  return simulated === 1 ? {} : { pickers: simulated };
};

const tellUnmodelled = ({ plugins }: EndpointPickerConfigReading, ledger: Ledger): void => {
  for (const { type, name, from, parameters } of plugins) {
    const instead = insteadOf(type);
    if (instead === undefined) continue;
    const field = from.kind === "field" || from.kind === "override" ? { field: from.field } : {};
    const message = `${name === type ? type : `${name} (${type})`} is not modelled: ${instead}`;
    ledger.warn({ reason: "NotModelled", object: parameters.object, ...field, message });
  }
};
