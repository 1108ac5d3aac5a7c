import { logNormal } from "../../sim/draw.ts";
import type { Rng } from "../../sim/rng.ts";
import { after, elapsed, instant, type Micros, type SimTime, seconds } from "../../sim/time.ts";
import type { PodStart, Spread } from "./pod-lifecycle.ts";

/** Instants of a pod's way up, each at or after the one before. */
export interface StartPlan {
  /** Bound to a node; the image pull begins. */
  readonly scheduled: SimTime;
  /** The image is there; the container starts. */
  readonly started: SimTime;
  /** The weights are on the GPU. */
  readonly loaded: SimTime;
  /** The engine's API answers. */
  readonly serving: SimTime;
  /** The first probe since then has succeeded; endpoints get the pod. */
  readonly ready: SimTime;
}

/** How long each phase of one pod's start takes by itself. */
export interface StartLengths {
  readonly schedule: Micros;
  readonly imagePull: Micros;
  readonly modelLoad: Micros;
  readonly engineInit: Micros;
}

/** @param rng a stream of the pod's own; one draw per phase is taken, whatever the spreads are */
export const drawStart = (start: PodStart, rng: Rng): StartLengths => ({
  schedule: drawSpread(start.scheduleSeconds, rng),
  imagePull: drawSpread(start.imagePullSeconds, rng),
  modelLoad: drawSpread(start.modelLoadSeconds, rng),
  engineInit: drawSpread(start.engineInitSeconds, rng),
});

/**
 * Draws the phases of one pod's start, where nothing that it needs is scarce.
 *
 * @param created when the pod object appeared
 * @param rng a stream of the pod's own
 * Source: the kubelet's prober (first probe after `initialDelaySeconds`, then every `periodSeconds`, ready at the first
 * success), Kubernetes v1.36. The jitter that a restarting kubelet adds is left out.
 */
export const planStart = (created: SimTime, start: PodStart, rng: Rng): StartPlan =>
  planGroupStart(created, start, [rng], false);

/**
 * Likewise of a group: it reaches a phase when all of its pods have.
 *
 * @param rngs a stream for each of its pods, the leader's first
 * @param workersAfterLeader workers are created when the leader's container has started
 * Source: kubernetes-sigs/lws v0.9, pkg/controllers/pod_controller.go (LeaderReady), for leaders without a probe.
 */
export const planGroupStart = (
  created: SimTime,
  start: PodStart,
  rngs: readonly [Rng, ...Rng[]],
  workersAfterLeader: boolean,
): StartPlan => {
  const [first, ...others] = rngs;
  const lengths = drawStart(start, first);
  const leader = loadOf(created, lengths);
  const from = workersAfterLeader ? leader.started : created;
  const pods = [leader, ...others.map((rng) => loadOf(from, drawStart(start, rng)))];
  const last = (phase: keyof typeof leader): SimTime => instant(Math.max(...pods.map((pod) => pod[phase])));
  const [scheduled, started, loaded] = [last("scheduled"), last("started"), last("loaded")];
  const serving = after(loaded, lengths.engineInit);
  return { scheduled, started, loaded, serving, ready: firstProbe(started, serving, start.probe) };
};

const loadOf = (created: SimTime, { schedule, imagePull, modelLoad }: StartLengths) => {
  const scheduled = after(created, schedule);
  const started = after(scheduled, imagePull);
  return { scheduled, started, loaded: after(started, modelLoad) };
};

/** @returns the first probe at or after `serving` */
export const firstProbe = (started: SimTime, serving: SimTime, probe: PodStart["probe"]): SimTime => {
  const first = after(started, seconds(probe.initialDelaySeconds));
  if (first >= serving) return first;
  const period = seconds(probe.periodSeconds);
  const periods = Math.ceil(elapsed(first, serving) / period);
  return after(first, (periods * period) as Micros);
};

/** @returns a log-normal draw with the spread's own mean and deviation; the mean itself if the deviation is 0 */
export const drawSpread = ({ mean, deviation }: Spread, rng: Rng): Micros => {
  if (mean === 0) return constant(0, rng);
  const variance = Math.log1p((deviation / mean) ** 2);
  if (variance === 0) return constant(mean, rng);
  return seconds(logNormal(rng, Math.log(mean) - variance / 2, Math.sqrt(variance)));
};

/** Takes the draw that isn't needed, so that one spread's width doesn't shift the next phase's chance. */
const constant = (length: number, rng: Rng): Micros => {
  logNormal(rng, 0, 1);
  return seconds(length);
};
