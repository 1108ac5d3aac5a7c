import { admitters } from "../../dataplane/admitters/index.ts";
import { detectors } from "../../dataplane/detectors/index.ts";
import { fairnesses } from "../../dataplane/flow-control/fairnesses/index.ts";
import { type FlowControlSaid, flowControlSchema } from "../../dataplane/flow-control/index.ts";
import { orderings } from "../../dataplane/flow-control/orderings/index.ts";
import { usageLimits } from "../../dataplane/flow-control/usage-limits/index.ts";
import { type FrontGateSaid, frontGateSchema } from "../../dataplane/front-gate/index.ts";
import type { Known } from "../../model/known.ts";
import { defaulted, type Ledger } from "../ledger.ts";
import type { EndpointPickerConfigReading } from "../readers/endpoint-picker/endpoint-picker-config.ts";
import type { BandReading, FlowControlReading } from "../readers/endpoint-picker/flow-control-config.ts";
import { isA, type PluginReading } from "../readers/endpoint-picker/plugin-reading.ts";
import { type Choices, sayPlugin, tellParameters } from "./said-plugin.ts";

const PATH = "gateway.gate";

/** Who may enter, when, and in which order: detector, flow control or admission, and admitters. */
export const mirrorGate = (
  config: EndpointPickerConfigReading,
  priorities: Readonly<Record<string, number>>,
  ledger: Ledger,
): FrontGateSaid | undefined => {
  const { detector, flowControl, flowControlGate } = config;
  ledger.use(`${PATH}.flowControl`, flowControlGate);
  const saturationDetector = sayPlugin(detectors, detector, ledger);
  const admitting = config.plugins.filter((plugin) => isA(plugin, "admitter"));
  const saidAdmitters = admitting.map((plugin) => sayPlugin(admitters, plugin, ledger));
  const flow = flowControl === undefined ? undefined : flowControlOf(flowControl, ledger);
  ledger.use(`${PATH}.saturationDetector`, { value: detector.type, from: detector.from });
  if (flowControl === undefined) {
    const why =
      "llm-d endpoint picker: without flow control, sheddable requests are refused while the pool is saturated";
    ledger.use(`${PATH}.admission`, defaulted("gaie-legacy", why));
  }
  const isComplete =
    saidAdmitters.every((said) => said !== undefined) && (flowControl === undefined || flow !== undefined);
  if (saturationDetector === undefined || !isComplete) return undefined;
  tellParameters(`${PATH}.saturationDetector`, detector, saturationDetector, ledger);
  for (const [i, plugin] of admitting.entries()) {
    ledger.use(`${PATH}.admitters[${plugin.name}]`, { value: plugin.type, from: plugin.from });
    tellParameters(`${PATH}.admitters[${plugin.name}]`, plugin, saidAdmitters[i] as object, ledger);
  }
  return frontGateSchema.parse({
    priorities: { scheme: "objectives", values: priorities },
    saturationDetector,
    ...(flow === undefined ? {} : { flowControl: flow }),
    admitters: saidAdmitters,
  });
};

const flowControlOf = (reading: FlowControlReading, ledger: Ledger): FlowControlSaid | undefined => {
  const path = `${PATH}.flowControl`;
  const none = defaulted(0, "llm-d flow control: no limit over all bands");
  const usageLimitPolicy = sayPlugin(usageLimits, reading.usageLimit, ledger);
  const { defaultNegativeBand: negative } = reading;
  const said = {
    maxRequests: ledger.use(`${path}.maxRequests`, reading.maxRequests ?? none),
    maxBytes: ledger.use(`${path}.maxBytes`, reading.maxBytes ?? none),
    defaultRequestTTL: ttl(`${path}.defaultRequestTTLSeconds`, reading.ttlSeconds, ledger),
    noEndpointRequestTTL: ttl(`${path}.noEndpointRequestTTLSeconds`, reading.noEndpointTtlSeconds, ledger),
    defaultPriorityBand: bandOf(`${path}.defaultPriorityBand`, reading.defaultBand, ledger),
    ...(negative === undefined
      ? {}
      : { defaultNegativePriorityBand: bandOf(`${path}.defaultNegativePriorityBand`, negative, ledger) }),
    priorityBands: reading.bands.map(({ priority, ...band }) => ({
      priority: priority.value,
      ...bandOf(`${path}.priorityBands[${priority.value}]`, band, ledger),
    })),
    usageLimitPolicy,
    enableEviction: ledger.use(`${path}.enableEviction`, reading.eviction),
  };
  ledger.use(`${path}.usageLimitPolicy`, { value: reading.usageLimit.type, from: reading.usageLimit.from });
  if (ledger.failed || usageLimitPolicy === undefined) return undefined;
  tellParameters(`${path}.usageLimitPolicy`, reading.usageLimit, usageLimitPolicy, ledger);
  const parsed = flowControlSchema.safeParse(said);
  if (parsed.success) return parsed.data;
  // What one policy's parameters say of each other is all that is left to be wrong.
  const { object, path: field } = reading.usageLimit.parameters;
  for (const { message, path: at } of parsed.error.issues) {
    ledger.error({ reason: "Invalid", object, field, message: `${String(at.at(-1))} ${message}` });
  }
  return undefined;
};

/** Most bytes and requests that a number holds exactly: a larger limit never binds. */
const bounded = ({ value, from }: Known<number>): Known<number> => ({ value: Math.min(value, 2 ** 53 - 1), from });

const bandOf = (path: string, band: BandReading, ledger: Ledger) => {
  const policy = <Said extends object>(
    name: string,
    choices: Choices<Said>,
    plugin: PluginReading,
  ): Said | undefined => {
    ledger.use(`${path}.${name}`, { value: plugin.type, from: plugin.from });
    const said = sayPlugin(choices, plugin, ledger);
    if (said !== undefined) tellParameters(`${path}.${name}`, plugin, said, ledger);
    return said;
  };
  return {
    maxRequests: ledger.use(`${path}.maxRequests`, bounded(band.maxRequests)),
    maxBytes: ledger.use(`${path}.maxBytes`, bounded(band.maxBytes)),
    orderingPolicy: policy("orderingPolicy", orderings, band.ordering),
    fairnessPolicy: policy("fairnessPolicy", fairnesses, band.fairness),
  };
};

const ttl = (path: string, seconds: Known<number>, ledger: Ledger): string =>
  `${ledger.useSeconds(path, seconds, "")}s`;
