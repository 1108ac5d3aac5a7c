import { readFile } from "node:fs/promises";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { Store } from "../store/store.ts";
import { readYaml, YamlError } from "../store/yaml.ts";
import { sha256 } from "../twin/digest.ts";
import type { FoundTrace, TraceInput } from "../twin/scenario.ts";
import { urlProblem } from "./allowed-url.ts";
import { fileInFolder } from "./folder-file.ts";

export interface TraceRules {
  /** URLs in a spec must begin with one of these. */
  readonly allowedUrls: readonly string[];
  readonly maxTraceBytes: number;
}

type Said = NonNullable<SimulationSpec["workload"]["trace"]>;

/** Finds a trace's bytes without reading them through, and what tells this version from the next; its header is read. */
export const findTrace = async (
  said: Said,
  namespace: string,
  store: Store,
  rules: TraceRules,
): Promise<Result<FoundTrace>> => {
  if (said.format === "blis-v2") return twoFiles(said, namespace, store, rules);
  const input = await findInput(said, namespace, store, rules);
  return input.ok ? good({ input: input.value }) : input;
};

type Place = Pick<Said, "path" | "configMap" | "url">;

const findInput = (said: Place, namespace: string, store: Store, rules: TraceRules): Promise<Result<TraceInput>> => {
  if (said.path !== undefined) return fromFolder(said.path, store, rules);
  if (said.configMap !== undefined) return fromConfigMap(said.configMap, namespace, store);
  return Promise.resolve(fromUrl(said.url ?? "", rules));
};

/** A header is a few lines. */
const MAX_HEADER_BYTES = 65_536;
const ROWS = [".csv", ".csv.gz"];
const HEADERS = [".yaml", ".yml"];

/** A BLIS trace: the header and the rows lie side by side under one name, and either may be said. */
const twoFiles = async (
  said: Said,
  namespace: string,
  store: Store,
  rules: TraceRules,
): Promise<Result<FoundTrace>> => {
  const { path, configMap } = said;
  const field = `spec.workload.trace.${path !== undefined ? "path" : configMap !== undefined ? "configMap" : "url"}`;
  const name = path ?? configMap?.key;
  if (name === undefined) {
    const message = "a blis-v2 trace is two files, a header and its rows, and a URL names one";
    return problem(field, "BadTrace", message, "use path or configMap");
  }
  const suffix = [...ROWS, ...HEADERS].sort((a, b) => b.length - a.length).find((end) => name.endsWith(end));
  if (suffix === undefined) {
    const message = `${name} names neither the header nor the rows of a blis-v2 trace`;
    return problem(field, "BadTrace", message, "name NAME.yaml or NAME.csv; the other lies beside it");
  }
  const stem = name.slice(0, -suffix.length);
  const find = async (ends: readonly string[], what: string): Promise<Result<{ input: TraceInput; file: string }>> => {
    // What was said comes first: if it isn't there, that is what is told.
    for (const end of ends.includes(suffix) ? [suffix] : ends) {
      const file = `${stem}${end}`;
      const place = configMap === undefined ? { path: file } : { configMap: { name: configMap.name, key: file } };
      const found = await findInput(place, namespace, store, rules);
      if (found.ok) return good({ input: found.value, file });
      if (end === suffix || found.problems.some(({ reason }) => reason !== "TraceNotFound")) return found;
    }
    const message = `${name} has no ${what} beside it: ${ends.map((end) => `${stem}${end}`).join(" or ")}`;
    return problem(field, "TraceNotFound", message, "a blis-v2 trace is two files of one name, NAME.yaml and NAME.csv");
  };
  const rows = await find(ROWS, "rows");
  if (!rows.ok) return rows;
  const header = await find(HEADERS, "header");
  if (!header.ok) return header;
  const read = await readHeader(header.value.input, header.value.file);
  return read.ok ? good({ input: rows.value.input, header: { said: read.value, file: header.value.file } }) : read;
};

const readHeader = async (input: TraceInput, file: string): Promise<Result<unknown>> => {
  const wrong = (message: string, line?: number) =>
    bad({
      severity: "error",
      reason: "BrokenTrace",
      file,
      ...(line === undefined ? {} : { line }),
      message,
      fix: "write a header such as trace_version: 3, mode: generated",
    });
  const bytes =
    input.kind === "file"
      ? await readFile(input.path).catch((error: Error) => error)
      : Buffer.from(input.kind === "inline" ? input.base64 : "", "base64");
  if (bytes instanceof Error) return wrong(`can't be read: ${bytes.message}`);
  if (bytes.length > MAX_HEADER_BYTES) return wrong(`holds ${bytes.length} bytes; a trace's header has a few lines`);
  try {
    return good(readYaml(bytes.toString("utf8")).documents[0]?.value);
  } catch (error) {
    if (error instanceof YamlError) return wrong(`this is no YAML that can be read: ${error.message}`, error.line);
    throw error;
  }
};

const fromFolder = async (path: string, store: Store, rules: TraceRules): Promise<Result<TraceInput>> => {
  const field = "spec.workload.trace.path";
  const wanted = { field, what: "the trace", missing: "TraceNotFound", instead: "use configMap or url" };
  const found = await fileInFolder(path, store, wanted);
  if (!found.ok) return found;
  const { bytes, digest } = found.value;
  if (bytes > rules.maxTraceBytes) {
    return problem(
      field,
      "TraceTooLarge",
      `${path} holds ${bytes} bytes, more than ${rules.maxTraceBytes}`,
      "raise --max-trace-bytes",
    );
  }
  return good({ kind: "file", path: found.value.path, digest });
};

const fromConfigMap = async (
  { name, key }: NonNullable<Said["configMap"]>,
  namespace: string,
  store: Store,
): Promise<Result<TraceInput>> => {
  const bytes = await store.configMapKey(namespace, name, key);
  if (bytes === undefined) {
    const message = `ConfigMap ${namespace}/${name} has no key ${key}, or does not exist`;
    return problem("spec.workload.trace.configMap", "TraceNotFound", message, "create it, in data or binaryData");
  }
  const digest = sha256(bytes).slice(0, 32);
  return good({ kind: "inline", base64: Buffer.from(bytes).toString("base64"), digest });
};

const fromUrl = (url: string, rules: TraceRules): Result<TraceInput> => {
  const field = "spec.workload.trace.url";
  const refused = urlProblem(url, rules.allowedUrls, field);
  if (refused !== undefined) return bad(refused);
  return good({ kind: "url", url, maxBytes: rules.maxTraceBytes });
};

const problem = (field: string, reason: string, message: string, fix: string): Result<never> => {
  const found: Problem = { severity: "error", field, reason, message, fix };
  return bad(found);
};
