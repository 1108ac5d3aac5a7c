import { load } from "js-yaml";
import type { Problem } from "../model/problem.ts";
import type { ManifestFile } from "../store/manifests.ts";
import type { ResultFormat, ResultRun } from "../validation/result-format.ts";
import { isInferencePerfConfig, resultFormats } from "../validation/results/index.ts";
import { BadInput } from "./exit.ts";
import { filesAt } from "./inputs.ts";

/** What `fit-model -f` was given, sorted. */
export interface Measurements {
  readonly results: readonly ResultRun[];
  readonly manifests: readonly ManifestFile[];
  readonly problems: readonly Problem[];
}

/** Files and folders of results, configurations and manifests, recognised by what is in them. @throws BadInput */
export const measurementsIn = (paths: readonly string[]): Measurements => {
  const sorted = paths.flatMap((path) => {
    const files = filesAt(path);
    // A folder holds what else a load generator writes.
    const named = files.length === 1 && files[0]?.file === path;
    return files.map((file) => sortFile(file, named || path === "-" ? "error" : "warning"));
  });
  const unknown = sorted.flatMap(({ problem }) => problem ?? []);
  const errors = unknown.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new BadInput(errors);
  const configs = sorted.flatMap(({ config }) => config ?? []);
  const found = sorted.flatMap(({ results }) => results ?? []);
  const read = found.map(({ format, json, name }) => format.read(json, name, { configs }));
  return {
    results: read.flatMap(({ runs }) => runs),
    manifests: sorted.flatMap(({ manifest }) => manifest ?? []),
    problems: [...unknown, ...read.flatMap(({ problems }) => problems)],
  };
};

interface Sorted {
  readonly results?: readonly { readonly format: ResultFormat; readonly json: unknown; readonly name: string }[];
  readonly manifest?: ManifestFile;
  readonly config?: unknown;
  readonly problem?: Problem;
}

const sortFile = (file: ManifestFile, severity: Problem["severity"]): Sorted => {
  const values = parsed(file.text);
  if (values === undefined || values.some(isManifest)) return { manifest: file };
  if (values.every(isInferencePerfConfig) && values.length > 0) return { config: values[0] };
  const results = values.map((json, i) => ({
    format: resultFormats.find(({ recognises }) => recognises(json)),
    json,
    name: values.length === 1 ? file.file : `${file.file}[${i}]`,
  }));
  const known = results.flatMap(({ format, ...rest }) => (format === undefined ? [] : [{ format, ...rest }]));
  return known.length > 0 ? { results: known } : { problem: unknownFile(file.file, severity) };
};

const isManifest = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "kind" in value && "apiVersion" in value;

/**
 * The values of a JSON file: one, the items of a list, or one per line (`--append-result`). Python writes NaN and Infinity where
 * there is nothing to write. Else the one document of a YAML file. @returns undefined where it is none of these: manifests
 */
const parsed = (text: string): readonly unknown[] | undefined => {
  const strict = text.replace(/(?<=[[,:]\s*)(?:NaN|-?Infinity)(?=\s*[,}\]])/g, "null");
  const whole = json(strict);
  if (whole !== undefined) return Array.isArray(whole) ? whole : [whole];
  const lines = strict.split("\n").filter((line) => line.trim() !== "");
  const each = lines.map(json);
  if (lines.length > 0 && each.every((value) => value !== undefined)) return each;
  try {
    const value: unknown = load(text);
    return typeof value === "object" && value !== null ? [value] : undefined;
  } catch {
    return undefined;
  }
};

const json = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const unknownFile = (file: string, severity: Problem["severity"]): Problem => ({
  severity,
  reason: "UnknownFormat",
  file,
  message: `neither a manifest nor a result that is known; looked for ${resultFormats.map(({ name, marks }) => `${marks} (${name})`).join(", ")}`,
  fix: `give ${resultFormats.map(({ summary }) => summary).join("; or ")}`,
});
