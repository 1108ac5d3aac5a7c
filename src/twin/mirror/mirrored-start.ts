import { durationSeconds } from "../../model/duration.ts";
import { type Known, known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, derived, type Ledger, overridden, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { ModelStorage } from "../readers/pod/model-storage.ts";
import type { PodStart, PodStop, Spread } from "../scenario.ts";

type StartOverride = NonNullable<SimulationSpec["overrides"]["start"]>;

/**
 * Bytes per second from where the weights are to the GPU. Bases: 15 GB in 48 s from a network disk (gp3) by vLLM's default
 * loader, in 14 s by the Run:ai streamer (Run:ai model streamer benchmark, A10G); 140 GB in 30 to 60 s from local NVMe;
 * download at 1 GB/s, then as from the node's disk.
 */
const NETWORK = 15e9 / 48;
const STREAMED = 15e9 / 14;
const NODE = 140e9 / 45;
const DOWNLOAD = 1 / (1 / 1e9 + 1 / NODE);

/** What each kind of storage gives to all that load from it at a time; a download is bounded by nothing that is known. */
export const STORAGE_BYTES_PER_SECOND: Readonly<Record<ModelStorage, number | undefined>> = {
  network: STREAMED,
  node: NODE,
  download: undefined,
};

/** Spread of a start's phases where nobody says: that of BLIS's cold starts, 240 s with a deviation of 30 s. */
const RELATIVE_DEVIATION = 30 / 240;

/** Seconds that engine start takes, the middle of what is reported: imports 5-10, compilation 20-60 (cached 5-10), graph capture 5-30. */
const IMPORTS = 7.5;
const COMPILE = 40;
const COMPILE_CACHED = 7.5;
const CAPTURE = 17.5;

const SCHEDULED = defaulted(1, "a node with free GPUs is there, scheduled within 1 s");

/** How a pod of the workload comes up. What no manifest tells has a default with its basis. */
export const mirrorStart = (
  reading: WorkloadReading,
  override: StartOverride = {},
  weightBytes: number,
  ledger: Ledger,
  path: string,
): PodStart => {
  const phase = (name: keyof StartOverride, otherwise: Known<number>, deviation: number): Spread => {
    const said = override[name];
    const where = `${path}.start.${name}`;
    const field = `overrides.start.${name}`;
    const mean = overridden(secondsIn(said?.mean), `${field}.mean`) ?? otherwise;
    const spread =
      overridden(secondsIn(said?.deviation), `${field}.deviation`) ??
      defaulted(deviation, deviation === 0 ? "a constant" : "1/8 of the mean, as BLIS's cold starts");
    return {
      mean: ledger.use(`${where}.meanSeconds`, mean),
      deviation: ledger.use(`${where}.deviationSeconds`, spread),
    };
  };
  const lasting = (name: string, value: Known<number>): number =>
    ledger.useSeconds(`${path}.${name}`, value, objectText(reading.ref));
  if (override.untilReady !== undefined) {
    // Nobody tells its phases apart, and nothing of it is shared with other pods.
    const untilReady = defaulted(durationSeconds(override.untilReady.mean), "as said");
    return {
      scheduleSeconds: phase("schedule", SCHEDULED, 0),
      imagePullSeconds: NONE,
      modelLoadSeconds: NONE,
      engineInitSeconds: phase("untilReady", untilReady, 0),
      probe: AT_ONCE,
    };
  }
  const load = loadSeconds(reading, weightBytes);
  const init = initSeconds(reading);
  const start: PodStart = {
    scheduleSeconds: phase("schedule", SCHEDULED, 0),
    imagePullSeconds: phase(
      "imagePull",
      defaulted(3, "the node has the image already; sandbox and volumes take 1 to 5 s"),
      0,
    ),
    modelLoadSeconds: phase("modelLoad", load, load.value * RELATIVE_DEVIATION),
    engineInitSeconds: phase("engineInit", init, init.value * RELATIVE_DEVIATION),
    probe: {
      initialDelaySeconds: lasting("start.probe.initialDelaySeconds", reading.life.probeInitialDelaySeconds),
      periodSeconds: lasting("start.probe.periodSeconds", reading.life.probePeriodSeconds),
    },
  };
  warnIfItGivesUp(reading, start, ledger);
  return start;
};

const NONE: Spread = { mean: 0, deviation: 0 };
/** Probes are part of what was measured. */
const AT_ONCE: PodStart["probe"] = { initialDelaySeconds: 0, periodSeconds: 0.001 };

const secondsIn = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : durationSeconds(text);

const RATES: Readonly<Record<ModelStorage, { readonly rate: number; readonly what: string }>> = {
  network: { rate: NETWORK, what: "0.31 GB/s, vLLM's default loader from a network disk" },
  node: { rate: NODE, what: "3.1 GB/s, from a disk of the node" },
  download: { rate: DOWNLOAD, what: "0.76 GB/s, download at 1 GB/s and load from the node's disk" },
};

const loadSeconds = (reading: WorkloadReading, weightBytes: number): Known<number> => {
  const format = reading.arguments.text("load-format");
  if (format?.value === "dummy") return known(0, format.from);
  const streamed = format?.value.startsWith("runai_streamer") === true && reading.storage.value !== "download";
  const { rate, what } = streamed
    ? { rate: STREAMED, what: "1.07 GB/s, Run:ai streamer" }
    : RATES[reading.storage.value];
  const { from } = streamed && format !== undefined ? format : reading.storage;
  const where = from.kind === "field" ? `${from.object} ${from.field}` : from.kind === "default" ? from.why : "";
  const seconds = Math.round((weightBytes / rate) * 10) / 10;
  return derived(seconds, `${(weightBytes / 1e9).toFixed(1)} GB of weights at ${what} (${where})`);
};

const initSeconds = ({ arguments: said, compileCache }: WorkloadReading): Known<number> => {
  const eager = said.switch("enforce-eager");
  if (eager?.value) return known(IMPORTS, eager.from);
  if (compileCache !== undefined) return known(IMPORTS + COMPILE_CACHED + CAPTURE, compileCache.from);
  return defaulted(
    IMPORTS + COMPILE + CAPTURE,
    "imports 7.5 s, compilation 40 s, graph capture 17.5 s: the middle of what is reported",
  );
};

const warnIfItGivesUp = (reading: WorkloadReading, start: PodStart, ledger: Ledger): void => {
  const limit = reading.life.startupGivesUpSeconds;
  const expected = start.modelLoadSeconds.mean + start.engineInitSeconds.mean;
  if (limit === undefined || expected <= limit.value) return;
  ledger.warn({
    reason: "StartupProbeTooShort",
    ...placeOf(limit.from, objectText(reading.ref)),
    message: `the startup probe gives up after ${limit.value} s, but the engine is expected to need ${Math.round(expected)} s; restarts are not modelled`,
    fix: "raise failureThreshold, or set spec.overrides.start",
  });
};

/** How a pod goes down. */
export const mirrorStop = (reading: WorkloadReading, ledger: Ledger, path: string): PodStop => {
  const { life, arguments: said } = reading;
  const timeout =
    said.number("shutdown-timeout") ?? defaulted(0, "vLLM: --shutdown-timeout is 0, running requests are aborted");
  const lasting = (name: string, value: Known<number>): number =>
    ledger.useSeconds(`${path}.stop.${name}`, value, objectText(reading.ref));
  const stop: PodStop = {
    gracePeriodSeconds: lasting("gracePeriodSeconds", life.gracePeriodSeconds),
    preStopSeconds: lasting("preStopSeconds", life.preStopSeconds),
    shutdownTimeoutSeconds: lasting("shutdownTimeoutSeconds", timeout),
  };
  if (stop.preStopSeconds + stop.shutdownTimeoutSeconds > stop.gracePeriodSeconds) {
    ledger.warn({
      reason: "GraceTooShort",
      ...placeOf(life.gracePeriodSeconds.from, objectText(reading.ref)),
      message: `terminationGracePeriodSeconds ${stop.gracePeriodSeconds} cuts preStop (${stop.preStopSeconds} s) and --shutdown-timeout (${stop.shutdownTimeoutSeconds} s) short`,
      fix: "raise terminationGracePeriodSeconds above their sum",
    });
  }
  return stop;
};
