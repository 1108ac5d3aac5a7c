import { readFile } from "node:fs/promises";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { Store } from "../store/store.ts";
import { readYaml, YamlError } from "../store/yaml.ts";
import type { FoundDocument } from "../twin/scenario.ts";
import { fileInFolder } from "./folder-file.ts";

/** Where a simulation says that a document of another tool is: exactly one of these. */
export interface SaidDocument {
  readonly path?: string | undefined;
  readonly configMap?: { readonly name: string; readonly key: string } | undefined;
  readonly inline?: string | undefined;
}

/** What it is, for messages. */
export interface WantedDocument {
  /** Of the simulation: `spec.workload.profile`. */
  readonly field: string;
  /** "the profile" */
  readonly what: string;
  /** Of reasons: `Profile` makes ProfileNotFound, ProfileTooLarge and BadProfile. */
  readonly word: string;
  /** What to give in place of something large. */
  readonly instead: string;
}

/** Of a file, as much as etcd would hold of one. */
export const MOST_BYTES = 1 << 20;

/** One YAML document as plain data: of a file below the folder, of a ConfigMap, or of the simulation itself. */
export const findDocument = async (
  said: SaidDocument,
  wanted: WantedDocument,
  namespace: string,
  store: Store,
): Promise<Result<FoundDocument>> => {
  const text = await findText(said, wanted, namespace, store);
  if (!text.ok) return text;
  const { path, configMap } = said;
  const file = path ?? (configMap === undefined ? undefined : `ConfigMap ${configMap.name}/${configMap.key}`);
  const place = file === undefined ? { field: `${wanted.field}.inline` } : { file };
  const reason = `Bad${wanted.word}`;
  try {
    const [document, ...more] = readYaml(text.value).documents;
    if (document === undefined || more.length > 0) {
      const message = `it holds ${more.length === 0 ? "nothing" : "several documents"}`;
      return bad({ ...place, severity: "error", reason, message, fix: "write one YAML document" });
    }
    return good({ said: document.value, ...(file === undefined ? {} : { file }) });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const line = error.line === undefined ? {} : { line: error.line };
    const message = `this is no YAML that can be read: ${error.message}`;
    return bad({ ...place, ...line, severity: "error", reason, message });
  }
};

/** The text of a file below the folder, of a ConfigMap, or of the simulation itself. */
export const findText = async (
  { path, configMap, inline }: SaidDocument,
  { field, what, word, instead }: WantedDocument,
  namespace: string,
  store: Store,
): Promise<Result<string>> => {
  const problem = (at: string, reason: string, message: string, fix: string): Result<never> => {
    const found: Problem = { severity: "error", field: `${field}.${at}`, reason: `${word}${reason}`, message, fix };
    return bad(found);
  };
  const tooLarge = (at: string, name: string): Result<never> =>
    problem(at, "TooLarge", `${name} holds more than ${MOST_BYTES} bytes`, instead);
  if (inline !== undefined) return good(inline);
  if (path !== undefined) {
    const file = { field: `${field}.path`, what, missing: `${word}NotFound`, instead: "use configMap" };
    const found = await fileInFolder(path, store, file);
    if (!found.ok) return found;
    if (found.value.bytes > MOST_BYTES) return tooLarge("path", path);
    return good(await readFile(found.value.path, "utf8"));
  }
  const { name = "", key = "" } = configMap ?? {};
  const bytes = await store.configMapKey(namespace, name, key);
  if (bytes === undefined) {
    const message = `ConfigMap ${namespace}/${name} has no key ${key}, or does not exist`;
    return problem("configMap", "NotFound", message, "create it, in data or binaryData");
  }
  if (bytes.byteLength > MOST_BYTES) return tooLarge("configMap", key);
  return good(Buffer.from(bytes).toString("utf8"));
};
