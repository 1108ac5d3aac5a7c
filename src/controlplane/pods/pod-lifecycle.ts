/** From wanted to ready. Draws are log-normal with the given mean and deviation; deviation 0 is a constant. */
export interface PodStart {
  readonly scheduleSeconds: Spread;
  readonly imagePullSeconds: Spread;
  readonly modelLoadSeconds: Spread;
  readonly engineInitSeconds: Spread;
  /** The first probe that can succeed comes at delay + k x period after the container's start. */
  readonly probe: { readonly initialDelaySeconds: number; readonly periodSeconds: number };
}

/** A length of time: mean and standard deviation of its draws. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

/** Pods that are one replica together. */
export interface PodGroup {
  /** With the leader. */
  readonly size: number;
  /** Workers are created when their leader's container has started, not with it. */
  readonly workersAfterLeader: boolean;
}

export interface PodStop {
  readonly gracePeriodSeconds: number;
  readonly preStopSeconds: number;
  /** vLLM --shutdown-timeout. */
  readonly shutdownTimeoutSeconds: number;
}
