import Table from "cli-table3";
import { dump } from "js-yaml";
import { VERSION } from "../../model/version.ts";
import type { CalibratedDeployment } from "./calibrate-deployment.ts";

/** Values before and after, with their intervals, and how far the simulation is from production's buckets. */
export const calibrationReport = (fitted: CalibratedDeployment): string => {
  const { name, values, untold, misfit, requests, seconds, start } = fitted;
  const table = new Table({
    head: ["value", "before", "after", "90 % between", "and"],
    colAligns: ["left", "right", "right", "right", "right"],
    style: { head: [], border: [] },
  });
  for (const { name: value, before, after, low, high } of [...values, ...(start === undefined ? [] : [start.value])]) {
    table.push([value, ...[before, after, low, high].map(rounded)]);
  }
  return [
    `${name}: fitted to the histograms of ${Math.round(requests)} requests in ${Math.round(seconds / 60)} min of production`,
    "",
    table.toString(),
    "",
    start === undefined
      ? "start-up of pods: as it was, since fewer than five were seen to start (kube_pod_status_ready_time) in the week before"
      : `start-up of pods: by those of ${start.starts}`,
    `distance from production's buckets (half the likelihood ratio): ${rounded(misfit.before)} before, ${rounded(misfit.after)} after`,
    ...(untold.length === 0
      ? []
      : [`left as they were, since these histograms say nothing of them: ${untold.join(", ")}`]),
    "",
  ].join("\n");
};

/** The part of an InferenceSimulation that makes it simulate this deployment. */
export const calibrationPatch = ({ name, block, requests, start, startPhases }: CalibratedDeployment): string => {
  // A merge patch drops what is null.
  const dropped = Object.fromEntries(startPhases.map((phase) => [phase, null]));
  const overrides = {
    engine: { latencyCorrections: block },
    ...(start === undefined ? {} : { start: { ...dropped, untilReady: start.untilReady } }),
  };
  return [
    `# Fitted by servetwin ${VERSION} calibrate to ${Math.round(requests)} requests of ${name}.`,
    "# kubectl patch inferencesimulation NAME --type merge --patch-file THIS, or merge it into the manifest.",
    dump({ spec: { overrides } }, { noRefs: true }),
  ].join("\n");
};

const rounded = (value: number): string => String(Number(value.toPrecision(4)));
