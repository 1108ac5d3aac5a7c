/** What a real HPA controller saw and did at each of its syncs, from the audit logs of the servers that it asked. */
import { existsSync, readFileSync } from "node:fs";

const policyOf = (...resources: object[]) => ({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "RequestResponse", resources }, { level: "None" }],
});

/** Audit policies: of kube-apiserver, what it tells a controller and is told; of an adapter behind it, its answers. */
export const AUDIT_POLICIES = {
  api: policyOf(
    { group: "servetwin.dev", resources: ["inferencesimulations/scale"] },
    { group: "autoscaling", resources: ["horizontalpodautoscalers/status"] },
  ),
  adapter: policyOf({ group: "external.metrics.k8s.io" }, { group: "custom.metrics.k8s.io" }),
};

export interface Scale {
  readonly spec: number;
  readonly status: number;
  readonly selector: string;
}

/** One element of an answer of a metrics API. */
export interface MetricElement {
  readonly value: string;
  /** Of custom metrics. */
  readonly pod?: string;
}

export interface MetricQuery {
  readonly metric: string;
  /** undefined: the API answered with an error. */
  readonly elements: readonly MetricElement[] | undefined;
}

export interface HpaStatus {
  readonly currentReplicas?: number;
  readonly desiredReplicas: number;
  readonly conditions?: readonly { type: string; status: string; reason: string; message: string }[];
}

export interface RecordedSync {
  /** Unix time in microseconds at which it had what it decides by. */
  readonly at: number;
  /** What it found; undefined: an error. */
  readonly scale: Scale | undefined;
  readonly queries: readonly MetricQuery[];
  /** The scale that it wrote. */
  readonly wrote: { readonly replicas: number; readonly at: number } | undefined;
  /** The status that it wrote. */
  readonly status: HpaStatus | undefined;
}

/** What a machine may hold up before the run tells of the machine rather than of the controller: share of a sync period. */
const MOST_HELD_UP = 0.4;

/** @returns what held the controller up at these syncs: a late sync, a slow write, samples that went missing; undefined: nothing */
export const heldUp = (syncs: readonly RecordedSync[], periodSeconds: number): string | undefined => {
  const most = MOST_HELD_UP * periodSeconds * 1e6;
  const sees = ({ queries }: RecordedSync) =>
    queries.some(({ elements }) => elements !== undefined && elements.length > 0);
  const from = syncs.findIndex(sees);
  for (const [i, sync] of syncs.entries()) {
    const { at, wrote } = sync;
    const late = i === 0 ? 0 : at - (syncs[i - 1] as RecordedSync).at - periodSeconds * 1e6;
    if (late > most) return `sync ${i} came ${late / 1e6} s late`;
    if (wrote !== undefined && wrote.at - at > most) return `sync ${i} took ${(wrote.at - at) / 1e6} s to write`;
    if (from >= 0 && i > from && !sees(sync)) return `sync ${i} found no samples`;
  }
  return undefined;
};

interface AuditEvent {
  verb: string;
  requestURI: string;
  userAgent?: string;
  objectRef?: { namespace?: string; resource?: string; subresource?: string; apiGroup?: string; name?: string };
  responseStatus?: { code: number };
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  requestObject?: unknown;
  responseObject?: unknown;
}

/** @param files audit logs, in the order in which they are to be read where times are equal */
export const recordedSyncs = (files: readonly string[], namespace: string): readonly RecordedSync[] => {
  const events = files.flatMap(read).filter(({ objectRef }) => objectRef?.namespace === namespace);
  events.sort((a, b) => microsOf(a.stageTimestamp) - microsOf(b.stageTimestamp));
  const syncs: AuditEvent[][] = [];
  let conflict = false;
  for (const event of events.filter(byController)) {
    if (isScaleRead(event) && !conflict) syncs.push([]);
    conflict =
      event.objectRef?.subresource === "scale" && event.verb === "update" && event.responseStatus?.code === 409;
    syncs.at(-1)?.push(event);
  }
  // The last one may still be under way.
  return syncs.slice(0, -1).map(syncOf);
};

const read = (file: string): AuditEvent[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.endsWith("}"))
        .map((line) => JSON.parse(line) as AuditEvent)
    : [];

/** An adapter hears of its caller through the aggregation layer only. */
const byController = ({ userAgent, objectRef }: AuditEvent): boolean =>
  objectRef?.apiGroup?.endsWith("metrics.k8s.io") === true || userAgent?.startsWith("kube-controller-manager") === true;

const isScaleRead = ({ verb, objectRef }: AuditEvent): boolean => verb === "get" && objectRef?.subresource === "scale";

const syncOf = (events: readonly AuditEvent[]): RecordedSync => {
  const reads = events.filter(isScaleRead);
  const queries = events.filter(({ objectRef }) => objectRef?.apiGroup?.endsWith("metrics.k8s.io"));
  const write = events.find(({ verb, objectRef }) => verb === "update" && objectRef?.subresource === "scale");
  const status = events.find(({ objectRef }) => objectRef?.subresource === "status");
  const known = [...reads.slice(0, 1), ...queries].map(({ stageTimestamp }) => microsOf(stageTimestamp));
  return {
    at: Math.max(...known),
    scale: scaleOf(reads[0]),
    queries: queries.map(queryOf),
    wrote:
      write === undefined
        ? undefined
        : {
            replicas: (write.requestObject as { spec: { replicas?: number } }).spec.replicas ?? 0,
            at: microsOf(write.stageTimestamp),
          },
    status: (status?.requestObject as { status: HpaStatus } | undefined)?.status,
  };
};

const scaleOf = (event: AuditEvent | undefined): Scale | undefined => {
  if (event?.responseStatus?.code !== 200) return undefined;
  const { spec, status } = event.responseObject as {
    spec: { replicas?: number };
    status: { replicas?: number; selector?: string };
  };
  return { spec: spec.replicas ?? 0, status: status.replicas ?? 0, selector: status.selector ?? "" };
};

const queryOf = ({ requestURI, responseStatus, responseObject }: AuditEvent): MetricQuery => {
  const metric = decodeURIComponent(requestURI.split("?")[0]?.split("/").at(-1) ?? "");
  if (responseStatus?.code !== 200) return { metric, elements: undefined };
  const { items } = responseObject as { items: { value: string; describedObject?: { name: string } }[] };
  const elements = items.map(({ value, describedObject }) => ({
    value,
    ...(describedObject === undefined ? {} : { pod: describedObject.name }),
  }));
  return { metric, elements };
};

/** RFC 3339 with microseconds, which Date cuts off. */
const microsOf = (text: string): number => {
  const fraction = /\.(\d+)Z$/.exec(text)?.[1] ?? "0";
  return Math.floor(Date.parse(text) / 1000) * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
};
