import { durationSeconds } from "../../model/duration.ts";
import { tokenFileFor } from "../../operator/production-traffic.ts";
import { DRIFT_SERIES, type Interval, intervalOf, type Reading } from "../../report/drift/index.ts";
import { selectorOf as selectorSaid } from "../../twin/mirror.ts";
import { type Calibrated, calibrate } from "../../validation/calibrate.ts";
import { blockOf, fittablesOf, type OwnLatency } from "../../validation/calibrated-corrections.ts";
import { selectorOf } from "../../worker/production-series.ts";
import { type PrometheusAccess, PrometheusError, query } from "../../worker/prometheus-api.ts";
import { BadInput, usageError } from "../exit.ts";
import { simulationsIn, storeOfFiles } from "../inputs.ts";
import { type LimitOptions, limitsOf } from "../limit-options.ts";
import { prepare } from "../prepare.ts";
import type { UrlOptions } from "../url-options.ts";
import { commonBounds, simulatedInterval, simulator, tallyOf } from "./tally.ts";

export interface CalibrateOptions extends LimitOptions, UrlOptions {
  readonly filename: readonly string[];
  readonly simulation?: string;
  readonly output?: string;
}

export interface CalibratedDeployment {
  /** `namespace/name` of the simulation. */
  readonly name: string;
  readonly calibrated: Calibrated;
  /** For `spec.overrides.engine.latencyCorrections`: what was said there before, with what was fitted. */
  readonly block: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly seconds: number;
}

/** A world begins empty and production doesn't: it is compared once it has filled. */
const SETTLED_SECONDS = 300;
/** Stretches of time by whose differences the error is known. */
const BLOCKS = 10;
const SHORTEST_BLOCK_SECONDS = 60;
/** Fewer requests say too little of two values. */
const LEAST_REQUESTS = 500;
/** Runs at each point: chance in them widens the intervals by a tenth. */
const REPLICATIONS = 4;
const FIELD = "spec.workload.prometheus";

/** Fits one simulation's engine to production's histograms over the window that it names. @throws BadInput */
export const calibrateDeployment = async (
  options: CalibrateOptions,
  told: () => void,
): Promise<CalibratedDeployment> => {
  const store = storeOfFiles(options.filename);
  const [stored, ...others] = simulationsIn(store, options.simulation);
  if (stored === undefined || others.length > 0)
    throw usageError("one InferenceSimulation is calibrated at a time", "choose it with --simulation");
  const prepared = await prepare(
    store,
    { ...stored, object: replayOf(stored.object) },
    limitsOf(options),
    options.allowUrl,
    options.prometheusTokenFile,
  );
  const { scenario, simulation } = prepared;
  const said = simulation.spec.workload.prometheus;
  const start = scenario.startUnixSeconds;
  if (said === undefined || start === undefined) throw new Error("a replay has a window");
  const [workload] = scenario.workloads;
  if (workload?.latency.name !== "physical")
    throw usageError("only the latency model physical is fitted", "leave overrides.engine.latencyModel and mode out");
  const to = durationSeconds(said.window);
  if (to - SETTLED_SECONDS < BLOCKS * SHORTEST_BLOCK_SECONDS)
    throw tooLittle(`a window of ${said.window}`, "set window to 15m at least, better 1h");
  const tokenFile = tokenFileFor(said.url, options.prometheusTokenFile);
  const access = { url: said.url, ...(tokenFile === undefined ? {} : { tokenFile }) };
  const selector = selectorOf(DRIFT_SERIES, selectorSaid(said, simulation.metadata.namespace));
  const models = scenario.workloads.map(({ modelName }) => modelName);
  const instants = Array.from(
    { length: BLOCKS + 1 },
    (_, i) => SETTLED_SECONDS + (i * (to - SETTLED_SECONDS)) / BLOCKS,
  );
  const readings = await readAll(
    access,
    selector,
    models,
    instants.map((seconds) => start + seconds),
  );
  const blocks = readings.slice(1).map((reading, i) => intervalOf(readings[i] as Reading, reading));
  if (blocks.some((block) => block === undefined || block.itl.count === 0))
    throw tooLittle(
      "there is a stretch without series of engines",
      "see that they are scraped, or choose another window",
    );
  const production = blocks as readonly Interval[];
  const requests = production.reduce((sum, { ttft }) => sum + ttft.count, 0);
  if (requests < LEAST_REQUESTS)
    throw tooLittle(`${Math.round(requests)} requests`, `choose a window with ${LEAST_REQUESTS} or more`);
  const own = workload.latency as unknown as OwnLatency;
  const first = simulatedInterval(scenario, SETTLED_SECONDS, to);
  if (first === undefined) throw tooLittle("no replica is simulated", "set overrides.replicas to what production had");
  const bounds = commonBounds(first, production[0] as Interval);
  const calibrated = calibrate(
    production.map((interval) => tallyOf(interval, bounds)),
    fittablesOf(own),
    simulator({ scenario, fromSeconds: SETTLED_SECONDS, toSeconds: to, bounds, replications: REPLICATIONS, told }),
  );
  if (calibrated.values.length === 0)
    throw tooLittle("the histograms tell of nothing that is fitted", "choose a busier window");
  const before = simulation.spec.overrides.engine?.latencyCorrections ?? {};
  return {
    name: scenario.simulation,
    calibrated,
    block: { ...before, ...blockOf(calibrated.values) } as Readonly<Record<string, number>>,
    requests,
    seconds: to - SETTLED_SECONDS,
  };
};

/** The window once more, alone: candidates and objectives are of no matter here. */
const replayOf = <T extends { readonly spec?: unknown }>(object: T): T => {
  const { candidates: _, objectives: __, ...spec } = (object.spec ?? {}) as Record<string, unknown>;
  return { ...object, spec: { ...spec, mode: "Replay", run: { bands: false } } };
};

const readAll = async (
  access: PrometheusAccess,
  selector: string,
  models: readonly string[],
  instants: readonly number[],
): Promise<readonly Reading[]> => {
  const readings: Reading[] = [];
  try {
    for (const instant of instants) {
      const series = await query(access, selector, instant);
      readings.push(
        series
          .filter(({ labels }) => models.includes(labels["model_name"] ?? ""))
          .map(({ labels, points }) => ({ labels, value: points[0]?.[1] ?? Number.NaN })),
      );
    }
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    const { reason, message, fix } = error;
    throw new BadInput([{ severity: "error", field: FIELD, reason, message, fix }]);
  }
  return readings;
};

const tooLittle = (what: string, fix: string): BadInput =>
  new BadInput([
    { severity: "error", field: FIELD, reason: "NotEnoughData", message: `too little to calibrate by: ${what}`, fix },
  ]);
