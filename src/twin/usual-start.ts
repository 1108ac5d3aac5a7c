import { firstProbe, type PodStart } from "../controlplane/pods/index.ts";
import { after, elapsed, START, seconds, toSeconds } from "../sim/time.ts";

/** Seconds from the node to ready of a pod all of whose phases take as long as they do on average. */
export const usualStartSeconds = ({
  imagePullSeconds,
  modelLoadSeconds,
  engineInitSeconds,
  probe,
}: PodStart): number => {
  const started = after(START, seconds(imagePullSeconds.mean));
  const serving = after(started, seconds(modelLoadSeconds.mean + engineInitSeconds.mean));
  return toSeconds(elapsed(START, firstProbe(started, serving, probe)));
};
