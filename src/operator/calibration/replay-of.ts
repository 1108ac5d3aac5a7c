import { mappingOf } from "../../model/mapping.ts";
import type { KubeObject } from "../../store/store.ts";

/**
 * The simulation of a past window alone: candidates and objectives are of no matter when an engine is fitted. Of a Shadow, the
 * last window whose samples are in.
 */
export const replayOf = (object: KubeObject): KubeObject => {
  const { candidates: _, objectives: __, sweep: ___, rollouts: ____, faults: _____, ...spec } = mappingOf(object.spec);
  const workload = mappingOf(spec["workload"]);
  const said = mappingOf(workload["prometheus"]);
  const { until, offset = "0s", delay = "2m" } = said;
  // A Shadow has an offset of its own.
  const isOpen = spec["mode"] === "Shadow" && until === undefined && offset === "0s";
  const prometheus = isOpen ? { ...said, offset: delay } : said;
  const changed = {
    ...spec,
    mode: "Replay",
    calibration: "Off",
    run: { bands: false },
    workload: { ...workload, prometheus },
  };
  return { ...object, spec: changed };
};
