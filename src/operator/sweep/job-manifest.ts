import type { SweepJob } from "../../schema/sweep.ts";
import type { KubeObject } from "../../store/store.ts";
import { digestOf } from "../../twin/digest.ts";
import { ownedMetadata } from "../owned-metadata.ts";

/** Of the pods; it has no rights and no token. The installer makes it. */
export const SERVICE_ACCOUNT = "servetwin-sweep";
/** By which the NetworkPolicy knows the pods. */
const APP = "servetwin-sweep";
const INPUT = "/sweep";
const RESULT = "/dev/termination-log";

/** A shard that failed so often, in pods of their own, has failed. */
const MOST_FAILURES = 3;

/** Names of all that one sweep makes. */
export const baseName = (simulation: string, digest: string): string =>
  `${simulation
    .slice(0, 28)
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/-+$/, "")}-sweep-${digest.slice(0, 10)}`;
export const roundKey = (round: number): string => `round-${round}`;
export const inputName = (base: string, round: number, part: number): string => `${base}-r${round}-input-${part}`;
export const jobName = (base: string, round: number, attempt: number): string =>
  `${base}-r${round}${attempt === 0 ? "" : `-again-${attempt}`}`;

const metadataOf = (owner: KubeObject, name: string, labels: Readonly<Record<string, string>> = {}) =>
  ownedMetadata(owner, APP, name, labels);

export const ledgerOf = (owner: KubeObject, base: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: metadataOf(owner, base),
  data: {},
});

export const inputOf = (owner: KubeObject, name: string, part: Uint8Array): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: metadataOf(owner, name),
  immutable: true,
  binaryData: { part: Buffer.from(part).toString("base64") },
});

export interface JobSaid {
  readonly owner: KubeObject;
  readonly name: string;
  readonly image: string;
  readonly job: SweepJob;
  readonly shards: number;
  /** ConfigMaps of the round's input, in order. */
  readonly inputs: readonly string[];
  readonly ledger: { readonly name: string; readonly key: string };
}

/** By which a Job is known again as the one that would be made now, but for `suspend`. */
const SAID = "servetwin.dev/said";
export const isSameJob = (one: KubeObject, other: KubeObject): boolean =>
  one.metadata.annotations?.[SAID] === other.metadata.annotations?.[SAID];

/** Pods that can do nothing but simulate: no token, no network (by policy), nothing to write but their termination message. */
export const jobOf = (said: JobSaid): KubeObject => {
  const made = manifestOf(said);
  const spec = { ...(made.spec as object), suspend: undefined };
  return { ...made, metadata: { ...made.metadata, annotations: { [SAID]: digestOf(spec).slice(0, 16) } } };
};

const manifestOf = ({ owner, name, image, job, shards, inputs, ledger }: JobSaid): KubeObject => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: metadataOf(owner, name, job.queueName === undefined ? {} : { "kueue.x-k8s.io/queue-name": job.queueName }),
  spec: {
    completionMode: "Indexed",
    completions: shards,
    parallelism: Math.min(job.parallelism, shards),
    suspend: job.suspend,
    backoffLimitPerIndex: MOST_FAILURES,
    podFailurePolicy: {
      rules: [
        // A drained node is no fault of the shard.
        { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      ],
    },
    template: {
      metadata: { labels: { "app.kubernetes.io/name": APP, "app.kubernetes.io/managed-by": "servetwin" } },
      spec: {
        restartPolicy: "Never",
        serviceAccountName: SERVICE_ACCOUNT,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          runAsGroup: 65532,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          {
            name: "sweep",
            image,
            args: ["sweep-worker", INPUT, `--shards=${shards}`, `--result=${RESULT}`],
            terminationMessagePath: RESULT,
            terminationMessagePolicy: "File",
            resources: { requests: { cpu: job.cpu, memory: job.memory }, limits: { memory: job.memory } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
            volumeMounts: [{ name: "input", mountPath: INPUT, readOnly: true }],
          },
        ],
        volumes: [
          {
            name: "input",
            projected: {
              sources: [
                ...inputs.map((input, i) => ({
                  configMap: { name: input, items: [{ key: "part", path: String(i) }] },
                })),
                { configMap: { name: ledger.name, items: [{ key: ledger.key, path: "known" }] } },
              ],
            },
          },
        ],
      },
    },
  },
});
