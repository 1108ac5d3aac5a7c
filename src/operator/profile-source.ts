import { readFile } from "node:fs/promises";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { Store } from "../store/store.ts";
import { readYaml, YamlError } from "../store/yaml.ts";
import type { FoundProfile } from "../twin/scenario.ts";
import { fileInFolder } from "./folder-file.ts";

type Said = NonNullable<SimulationSpec["workload"]["profile"]>;

const FIELD = "spec.workload.profile";
/** Of a file, as much as etcd would hold of one. */
const MOST_BYTES = 1 << 20;

/** Another tool's workload file, from below the folder, a ConfigMap or the simulation itself; undefined for a preset. */
export const findProfile = async (
  said: Said,
  namespace: string,
  store: Store,
): Promise<Result<FoundProfile | undefined>> => {
  if (said.preset !== undefined) return good(undefined);
  const text = await textOf(said, namespace, store);
  if (!text.ok) return text;
  const { path, configMap } = said;
  const file = path ?? (configMap === undefined ? undefined : `ConfigMap ${configMap.name}/${configMap.key}`);
  const place = file === undefined ? { field: `${FIELD}.inline` } : { file };
  try {
    const [document, ...more] = readYaml(text.value).documents;
    if (document === undefined || more.length > 0) {
      const message = `it holds ${more.length === 0 ? "nothing" : "several documents"}`;
      return bad({ ...place, severity: "error", reason: "BadProfile", message, fix: "write one YAML document" });
    }
    return good({ said: document.value, ...(file === undefined ? {} : { file }) });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const line = error.line === undefined ? {} : { line: error.line };
    const message = `this is no YAML that can be read: ${error.message}`;
    return bad({ ...place, ...line, severity: "error", reason: "BadProfile", message });
  }
};

const textOf = async ({ path, configMap, inline }: Said, namespace: string, store: Store): Promise<Result<string>> => {
  if (inline !== undefined) return good(inline);
  if (path !== undefined) {
    const wanted = {
      field: `${FIELD}.path`,
      what: "the profile",
      missing: "ProfileNotFound",
      instead: "use configMap",
    };
    const found = await fileInFolder(path, store, wanted);
    if (!found.ok) return found;
    if (found.value.bytes > MOST_BYTES) return tooLarge(`${FIELD}.path`, path);
    return good(await readFile(found.value.path, "utf8"));
  }
  const { name = "", key = "" } = configMap ?? {};
  const bytes = await store.configMapKey(namespace, name, key);
  if (bytes === undefined) {
    const message = `ConfigMap ${namespace}/${name} has no key ${key}, or does not exist`;
    return problem(`${FIELD}.configMap`, "ProfileNotFound", message, "create it, in data or binaryData");
  }
  if (bytes.byteLength > MOST_BYTES) return tooLarge(`${FIELD}.configMap`, key);
  return good(Buffer.from(bytes).toString("utf8"));
};

const tooLarge = (field: string, name: string): Result<never> =>
  problem(field, "ProfileTooLarge", `${name} holds more than ${MOST_BYTES} bytes`, "give the tool's own workload file");

const problem = (field: string, reason: string, message: string, fix: string): Result<never> => {
  const found: Problem = { severity: "error", field, reason, message, fix };
  return bad(found);
};
