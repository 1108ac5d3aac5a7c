import { durationSeconds } from "../model/duration.ts";
import type { Problem } from "../model/problem.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import type { Scenario } from "../twin/scenario.ts";
import { DATED_BY, startOf } from "../twin/start-of.ts";
import type { RecordedSeriesSaid } from "../worker/protocol.ts";
import { Push, type PushParts, type PushState } from "../worker/remote-write/push.ts";
import { Receiver } from "../worker/remote-write/receiver.ts";
import { urlProblem } from "./allowed-url.ts";
import { tokenFileFor, type UrlToken } from "./production-traffic.ts";

/** Samples that may wait for receivers, of all simulations together. */
export const MOST_PENDING_SAMPLES = 1_000_000;

const FIELD = "spec.export.remoteWrite";

/** What is wrong with where the series are to be pushed. */
export const remoteWriteProblems = (
  { spec }: InferenceSimulation,
  scenario: Scenario,
  allowedUrls: readonly string[],
  tokens: readonly UrlToken[],
): readonly Problem[] => {
  const { remoteWrite } = spec.export;
  if (remoteWrite === undefined) return [];
  const refused = urlProblem(remoteWrite.url, [...allowedUrls, ...tokens.map(({ url }) => url)], `${FIELD}.url`);
  if (refused !== undefined) return [refused];
  if (startOf(scenario) !== undefined) return [];
  const message = "the run has no date that its samples could bear: its instants count from 0";
  return [{ severity: "error", field: FIELD, reason: "NoDate", message, fix: DATED_BY }];
};

/** Which series of a run are pushed. @returns undefined: none */
export const pushedSeriesOf = ({ spec }: InferenceSimulation, scenario: Scenario): RecordedSeriesSaid | undefined => {
  const { remoteWrite, naming, labels } = spec.export;
  const startUnixSeconds = startOf(scenario);
  if (remoteWrite === undefined || startUnixSeconds === undefined) return undefined;
  return { startUnixSeconds, everySeconds: durationSeconds(remoteWrite.interval), naming, labels };
};

/** Begins a push to where the spec says. @returns undefined: it says nothing */
export const pushOf = (
  { spec }: InferenceSimulation,
  tokens: readonly UrlToken[],
  parts: Omit<PushParts, "receiver">,
): Push | undefined => {
  const { remoteWrite } = spec.export;
  if (remoteWrite === undefined) return undefined;
  const { url } = remoteWrite;
  const tokenFile = tokenFileFor(url, tokens);
  const receiver = new Receiver({ url, ...(tokenFile === undefined ? {} : { tokenFile }) });
  return new Push({ ...parts, receiver });
};

/** Whether an earlier process has pushed all of this result. */
export const pushedBefore = (status: SimulationStatus | undefined): boolean => pushedOf(status)?.status === "True";

export const pushedOf = (status: SimulationStatus | undefined): SimulationStatus["conditions"][number] | undefined =>
  status?.conditions.find(({ type }) => type === "Pushed");

/** The condition `Pushed`, what is worst first. */
export const pushedCondition = (state: PushState) => {
  const { sent, failed, dropped, pending, done, waitsFor, refusal } = state;
  const said = (status: "True" | "False" | "Unknown", reason: string, message: string) => ({
    type: "Pushed",
    status,
    reason,
    message: message.slice(0, 2048),
  });
  if (waitsFor !== undefined) return said("False", "ReceiverUnavailable", `${waitsFor}; it is tried again`);
  if (failed > 0) return said("False", "SamplesRefused", `${failed} samples were refused: ${refusal ?? ""}`);
  if (dropped > 0) {
    const lost = `${dropped} samples were lost while the receiver was away: more than ${MOST_PENDING_SAMPLES} waited`;
    return said("False", "SamplesDropped", lost);
  }
  if (!done) return said("Unknown", "Pushing", pending > 0 ? "samples are being sent" : "the run is under way");
  return said("True", "Pushed", `${sent} samples were sent`);
};

/** What the status says of it in figures. */
export const pushedPart = ({ sent, failed, dropped, untilMillis }: PushState) => ({
  remoteWrite: {
    sent,
    failed,
    dropped,
    ...(untilMillis === undefined ? {} : { until: new Date(untilMillis).toISOString() }),
  },
});
