import { readFile } from "node:fs/promises";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { Store } from "../store/store.ts";
import { fileInFolder } from "./folder-file.ts";

type Said = NonNullable<NonNullable<SimulationSpec["overrides"]["model"]>["config"]>;

const FIELD = "spec.overrides.model.config";
/** A config.json is a few KiB; Scout's, with its list of unquantised modules, has 20. */
const MOST_BYTES = 1 << 20;

/** The text of a model's config.json, from a file below the folder or a ConfigMap. */
export const findModelConfig = async (said: Said, namespace: string, store: Store): Promise<Result<string>> => {
  if (said.path !== undefined) {
    const wanted = { field: `${FIELD}.path`, what: "the config", missing: "ConfigNotFound", instead: "use configMap" };
    const found = await fileInFolder(said.path, store, wanted);
    if (!found.ok) return found;
    if (found.value.bytes > MOST_BYTES) return tooLarge(`${FIELD}.path`, said.path);
    return good(await readFile(found.value.path, "utf8"));
  }
  const { name = "", key = "" } = said.configMap ?? {};
  const bytes = await store.configMapKey(namespace, name, key);
  if (bytes === undefined) {
    const message = `ConfigMap ${namespace}/${name} has no key ${key}, or does not exist`;
    return problem(`${FIELD}.configMap`, "ConfigNotFound", message, "create it, in data or binaryData");
  }
  if (bytes.byteLength > MOST_BYTES) return tooLarge(`${FIELD}.configMap`, key);
  return good(Buffer.from(bytes).toString("utf8"));
};

const tooLarge = (field: string, name: string): Result<never> =>
  problem(field, "ConfigTooLarge", `${name} holds more than ${MOST_BYTES} bytes`, "give the model's config.json");

const problem = (field: string, reason: string, message: string, fix: string): Result<never> => {
  const found: Problem = { severity: "error", field, reason, message, fix };
  return bad(found);
};
