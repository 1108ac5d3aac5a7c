import { isMapping } from "../model/mapping.ts";
import { objectText } from "../model/object-text.ts";
import type { Problem } from "../model/problem.ts";
import { nearest } from "../schema/nearest.ts";
import { GROUP } from "../schema/resource.ts";
import { groupOf, WATCHED_KINDS } from "./kinds.ts";
import { isClusterScoped, isWellKnown } from "./known-kinds.ts";
import { type KubeObject, type StoredObject, type WatchedKind } from "./store.ts";
import { readYaml, type YamlDocument, YamlError } from "./yaml.ts";

export interface ManifestFile {
  /** As people know it: in problems, and in `StoredObject.file`. */
  readonly file: string;
  readonly text: string;
}

export interface Manifests {
  readonly objects: readonly StoredObject[];
  readonly problems: readonly Problem[];
  /** The text as a whole could not be read; there are no objects. */
  readonly malformed: boolean;
}

/** The most that is read of one file. */
export const MAX_FILE_BYTES = 10 * 2 ** 20;

/**
 * Reads the manifests of one file as kubectl does: many documents, Lists, comments, JSON. The namespace is put in where it
 * was left out. Never throws: what is wrong comes back as problems.
 * @param kinds what a misspelt kind may have been meant to be
 */
export const readManifests = (text: string, file: string, kinds: readonly WatchedKind[] = WATCHED_KINDS): Manifests => {
  if (text.length > MAX_FILE_BYTES) return malformed(tooLarge(file));
  try {
    const { documents, doubts } = readYaml(text);
    const read = documents.flatMap((document) => unfold(document)).map((found) => objectIn(found, file, kinds));
    return {
      objects: read.flatMap(({ stored }) => (stored === undefined ? [] : [stored])),
      problems: [
        ...read.flatMap(({ problems }) => problems),
        ...doubts.map((doubt): Problem => ({ severity: "warning", reason: "AmbiguousYaml", file, ...doubt })),
      ],
      malformed: false,
    };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const { line, message } = error;
    return malformed({
      severity: "error",
      reason: "MalformedYaml",
      file,
      ...(line === undefined ? {} : { line }),
      message: `this is no YAML that can be read: ${message}`,
      ...(text.includes("{{")
        ? { fix: "if it is a template of a Helm chart, pass on what `helm template` prints" }
        : {}),
    });
  }
};

export const malformed = (problem: Problem): Manifests => ({ objects: [], problems: [problem], malformed: true });

export const tooLarge = (file: string): Problem => ({
  severity: "error",
  reason: "FileTooLarge",
  file,
  message: `holds more than ${MAX_FILE_BYTES / 2 ** 20} MiB`,
  fix: "split it",
});

interface Found {
  readonly value: unknown;
  readonly line: number;
}

/** The items of a List are objects of their own; those of a typed list (`DeploymentList`) may leave out what they are. */
const unfold = ({ value, line, itemLines }: YamlDocument): Found[] => {
  if (!isMapping(value)) return [{ value, line }];
  const { kind, apiVersion, items } = value;
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) return [{ value, line }];
  const own = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return items.map((item: unknown, i) => ({
    value: isMapping(item) ? { ...own, ...item } : item,
    line: itemLines[i] ?? line,
  }));
};

interface Read {
  readonly stored?: StoredObject;
  readonly problems: readonly Problem[];
}

const objectIn = ({ value, line }: Found, file: string, kinds: readonly WatchedKind[]): Read => {
  const wrong = (severity: Problem["severity"], message: string, fix: string, field?: string): Read => ({
    problems: [
      { severity, reason: "NotAnObject", file, line, message, fix, ...(field === undefined ? {} : { field }) },
    ],
  });
  if (!isMapping(value) || (value.apiVersion === undefined && value.kind === undefined)) {
    return wrong(
      "warning",
      "this is no Kubernetes object and is passed over",
      "give it apiVersion, kind and metadata.name, or move it",
    );
  }
  const { apiVersion, kind, metadata } = value;
  if (groupOf(String(apiVersion)) === "kustomize.config.k8s.io") return { problems: [] };
  for (const [field, said] of [
    ["apiVersion", apiVersion],
    ["kind", kind],
  ] as const) {
    if (!isText(said))
      return wrong("error", `${field} ${missing(said)}`, `write ${field}, as in \`${EXAMPLES[field]}\``, field);
  }
  const name = isMapping(metadata) ? metadata.name : undefined;
  if (!isMapping(metadata) || !isText(name)) {
    return wrong(
      "error",
      `metadata.name of this ${kind} ${missing(name)}`,
      "give it a name that is text",
      "metadata.name",
    );
  }
  const { namespace } = metadata;
  if (namespace !== undefined && namespace !== null && !isText(namespace)) {
    return wrong(
      "error",
      `metadata.namespace of ${kind} ${name} ${missing(namespace)}`,
      "quote it, or leave it out",
      "metadata.namespace",
    );
  }
  const object = placed(value as unknown as KubeObject, kinds);
  const doubt = doubtAboutKind(object, kinds);
  const place = {
    object: objectText({ kind: object.kind, namespace: object.metadata.namespace ?? "", name: object.metadata.name }),
    file,
    line,
  };
  return { stored: { object, file, line }, problems: doubt === undefined ? [] : [{ ...place, ...doubt }] };
};

const EXAMPLES = { apiVersion: "apiVersion: apps/v1", kind: "kind: Deployment" };

const missing = (said: unknown): string =>
  said === undefined || said === null || said === "" ? "is missing" : `must be text, not ${JSON.stringify(said)}`;

/** With its namespace where it has one, and without what only a cluster's bookkeeping needs. */
const placed = (said: KubeObject, kinds: readonly WatchedKind[]): KubeObject => {
  const {
    namespace,
    managedFields: _,
    ...metadata
  } = said.metadata as KubeObject["metadata"] & { managedFields?: unknown };
  const watched = kinds.find(
    ({ kind, apiVersion }) => kind === said.kind && groupOf(apiVersion) === groupOf(said.apiVersion),
  );
  const isWide = watched?.clusterScoped ?? isClusterScoped(said.kind);
  return { ...said, metadata: { ...metadata, ...(isWide ? {} : { namespace: namespace || "default" }) } };
};

/** Where Deployments and autoscalers stood before Kubernetes 1.16, and where a forgotten group leads. */
const LEGACY_GROUPS = ["", "extensions"];

/** Kinds that we don't know are kept without a word, unless they look like a slip of one that we do. */
const doubtAboutKind = (
  { apiVersion, kind }: KubeObject,
  kinds: readonly WatchedKind[],
): Pick<Problem, "severity" | "reason" | "field" | "message" | "fix"> | undefined => {
  const group = groupOf(apiVersion);
  const sameGroup = kinds.filter((one) => groupOf(one.apiVersion) === group);
  const exact = sameGroup.find((one) => one.kind === kind) ?? kinds.find((one) => one.kind === kind);
  if (exact !== undefined && sameGroup.includes(exact)) {
    // Another version of our own kind is refused where it is parsed.
    if (exact.apiVersion === apiVersion || exact.readAlso?.includes(apiVersion) || group === GROUP) return undefined;
    const message = `${apiVersion} is read as if it were ${exact.apiVersion}, whose fields may differ`;
    return {
      severity: "warning",
      reason: "UnknownVersion",
      field: "apiVersion",
      message,
      fix: `convert it to ${exact.apiVersion}`,
    };
  }
  if (
    exact !== undefined &&
    (LEGACY_GROUPS.includes(group) || nearest(group, [groupOf(exact.apiVersion)]) !== undefined)
  ) {
    const message = `there is no ${kind} in ${apiVersion}`;
    return {
      severity: "warning",
      reason: "UnknownKind",
      field: "apiVersion",
      message,
      fix: `did you mean ${exact.apiVersion}?`,
    };
  }
  if (exact !== undefined || isWellKnown(kind)) return undefined;
  const near = misspelt(kind, sameGroup);
  if (group === GROUP) {
    const fix =
      near === undefined ? `there is: ${sameGroup.map((one) => one.kind).join(", ")}` : `did you mean ${near}?`;
    return {
      severity: "error",
      reason: "UnknownKind",
      field: "kind",
      message: `there is no kind ${kind} in ${GROUP}`,
      fix,
    };
  }
  if (near === undefined) return undefined;
  return {
    severity: "warning",
    reason: "UnknownKind",
    field: "kind",
    message: `${kind} is no kind that is known`,
    fix: `did you mean ${near}?`,
  };
};

/** `nearest` also takes a part of a word for it; a `Scaler` is none of ours. */
const misspelt = (kind: string, kinds: readonly WatchedKind[]): string | undefined => {
  const near = nearest(
    kind,
    kinds.map((one) => one.kind),
  );
  return near !== undefined && Math.abs(near.length - kind.length) <= 3 ? near : undefined;
};

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
