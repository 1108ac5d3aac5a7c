import type { SimulationStatus } from "../../schema/simulation-status.ts";
import type { KubeObject, StoredObject } from "../../store/store.ts";
import type { MirroredValue } from "../../twin/mirror.ts";
import type { Found } from "./found.ts";

/** An object as if what was fitted for it, which its status says, had been committed to it. */
export const withFitted = (object: KubeObject): KubeObject => {
  const spec = fieldsOf(object.spec);
  const fitted = correctionsFitted(object);
  if (Object.keys(fitted).length === 0) return object;
  const overrides = fieldsOf(spec["overrides"]);
  const engine = { ...fieldsOf(overrides["engine"]), latencyCorrections: fitted };
  return { ...object, spec: { ...spec, overrides: { ...overrides, engine } } };
};

/** What the object's spec says itself, as far as it is numbers; what else it says is told by whoever parses it. */
export const correctionsSaid = ({ spec }: KubeObject): Readonly<Record<string, number>> => numbersIn(spec);

const correctionsFitted = ({ spec, status }: KubeObject): Readonly<Record<string, number>> =>
  fieldsOf(spec)["calibration"] === "Auto" ? numbersIn(fieldsOf(status)["calibration"]) : {};

/** Values that no field says, though they were read from one. */
export const withFittedSources = (values: readonly MirroredValue[], object: KubeObject): readonly MirroredValue[] => {
  const said = correctionsSaid(object);
  const fitted = Object.entries(correctionsFitted(object))
    .filter(([name, value]) => said[name] !== value)
    .map(([name]) => `spec.overrides.engine.latencyCorrections.${name}`);
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

const numbersIn = (holder: unknown): Readonly<Record<string, number>> => {
  const corrections = fieldsOf(fieldsOf(fieldsOf(fieldsOf(holder)["overrides"])["engine"])["latencyCorrections"]);
  return Object.fromEntries(
    Object.entries(corrections).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
};

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
