import { createHash } from "node:crypto";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { Store } from "../store/store.ts";
import type { TraceInput } from "../twin/scenario.ts";
import { fileInFolder } from "./folder-file.ts";

export interface TraceRules {
  /** URLs in a spec must begin with one of these. */
  readonly allowedUrls: readonly string[];
  readonly maxTraceBytes: number;
}

type Said = NonNullable<SimulationSpec["workload"]["trace"]>;

/** Finds a trace's bytes without reading them through, and what tells this version from the next. */
export const findTrace = (
  said: Said,
  namespace: string,
  store: Store,
  rules: TraceRules,
): Promise<Result<TraceInput>> => {
  if (said.path !== undefined) return fromFolder(said.path, store, rules);
  if (said.configMap !== undefined) return fromConfigMap(said.configMap, namespace, store);
  return Promise.resolve(fromUrl(said.url ?? "", rules));
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
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  return good({ kind: "inline", base64: Buffer.from(bytes).toString("base64"), digest });
};

const fromUrl = (url: string, rules: TraceRules): Result<TraceInput> => {
  const field = "spec.workload.trace.url";
  if (!URL.canParse(url)) return problem(field, "BadUrl", `${url} is not a URL`, "write https://host/path");
  if (!rules.allowedUrls.some((allowed) => covers(allowed, url))) {
    return problem(
      field,
      "UrlNotAllowed",
      `${url} is not on the operator's allow list`,
      "ask the installer for --allow-url",
    );
  }
  return good({ kind: "url", url, maxBytes: rules.maxTraceBytes });
};

/** Same origin, and a path that the allowed one leads to: compared as parsed, so that no spelling slips through. */
const covers = (allowed: string, url: string): boolean => {
  if (!URL.canParse(allowed)) return false;
  const [rule, asked] = [new URL(allowed), new URL(url)];
  const prefix = rule.pathname.endsWith("/") ? rule.pathname : `${rule.pathname}/`;
  return (
    rule.origin === asked.origin &&
    asked.username === "" &&
    asked.password === "" &&
    (asked.pathname === rule.pathname || asked.pathname.startsWith(prefix))
  );
};

const problem = (field: string, reason: string, message: string, fix: string): Result<never> => {
  const found: Problem = { severity: "error", field, reason, message, fix };
  return bad(found);
};
