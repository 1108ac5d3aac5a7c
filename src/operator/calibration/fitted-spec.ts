import { mappingOf } from "../../model/mapping.ts";
import type { Problem } from "../../model/problem.ts";
import type { SimulationStatus } from "../../schema/simulation-status.ts";
import { UNTIL_READY_PHASES } from "../../schema/spec-rules.ts";
import type { KubeObject, StoredObject } from "../../store/store.ts";
import type { MirroredValue } from "../../twin/mirror.ts";
import type { Found } from "./found.ts";

const REPLACED: ReadonlySet<string> = new Set(UNTIL_READY_PHASES);

/** An object as if what was fitted for it, which its status says, had been committed to it. */
export const withFitted = (object: KubeObject): KubeObject => {
  const spec = mappingOf(object.spec);
  const { corrections, untilReady } = fittedIn(object);
  if (corrections === undefined && untilReady === undefined) return object;
  const said = mappingOf(spec["overrides"]);
  const start = Object.entries(mappingOf(said["start"])).filter(([name]) => !REPLACED.has(name));
  const overrides = {
    ...said,
    ...(corrections === undefined ? {} : { engine: { ...mappingOf(said["engine"]), latencyCorrections: corrections } }),
    ...(untilReady === undefined ? {} : { start: { ...Object.fromEntries(start), untilReady } }),
  };
  return { ...object, spec: { ...spec, overrides } };
};

/** For whoever reads an object that no operator sees to: that it asks to be fitted to production, and hasn't been. */
export const unfitted = (object: KubeObject): readonly Problem[] => {
  const { corrections, untilReady } = fittedIn(object);
  if (mappingOf(object.spec)["calibration"] !== "Auto" || corrections !== undefined || untilReady !== undefined)
    return [];
  const message = "the operator fits it to production; its status says of no fit, so it is simulated without one";
  const fix = "take the object from the cluster, with its status, or fit it by `servetwin calibrate`";
  return [{ severity: "warning", reason: "NotFitted", field: "spec.calibration", message, fix }];
};

/** What the object's spec says itself, as far as it is numbers; what else it says is told by whoever parses it. */
export const correctionsSaid = ({ spec }: KubeObject): Readonly<Record<string, number>> => {
  const corrections = mappingOf(mappingOf(mappingOf(mappingOf(spec)["overrides"])["engine"])["latencyCorrections"]);
  return Object.fromEntries(
    Object.entries(corrections).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
};

const fittedIn = ({ spec, status }: KubeObject) => {
  if (mappingOf(spec)["calibration"] !== "Auto") return {};
  const overrides = (status as Partial<SimulationStatus> | undefined)?.calibration?.overrides;
  return { corrections: overrides?.engine?.latencyCorrections, untilReady: overrides?.start?.untilReady };
};

/** Values that no field says, though they were read from one. */
export const withFittedSources = (values: readonly MirroredValue[], object: KubeObject): readonly MirroredValue[] => {
  const { corrections = {}, untilReady = {} } = fittedIn(object);
  const said = correctionsSaid(object);
  const fitted = [
    ...Object.keys(corrections)
      .filter((name) => said[name] !== corrections[name])
      .map((name) => `spec.overrides.engine.latencyCorrections.${name}`),
    ...Object.keys(untilReady).map((name) => `spec.overrides.start.untilReady.${name}`),
  ];
  if (fitted.length === 0) return values;
  return values.map((value) =>
    value.from.kind === "override" && fitted.includes(value.from.field)
      ? { ...value, from: { kind: "derived", how: "fitted to production, see status.calibration" } }
      : value,
  );
};

/** The object with what is known to be fitted for it, in place of what its status says. */
export const withFound = (stored: StoredObject, found: Found | undefined): StoredObject => {
  const { calibration: _, ...status } = (stored.object.status ?? {}) as Partial<SimulationStatus>;
  const known = found === undefined ? status : { ...status, calibration: found };
  return { ...stored, object: { ...stored.object, status: known } };
};
