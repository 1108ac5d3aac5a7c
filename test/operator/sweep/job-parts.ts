import type { JobParts } from "../../../src/operator/sweep/job-runs.ts";
import type { OwnedObjects, OwnedPlace } from "../../../src/store/owned-objects.ts";
import type { KubeObject } from "../../../src/store/store.ts";
import type { Scenario, TraceInput } from "../../../src/twin/scenario.ts";
import { scenario } from "../../twin/scenario-fixture.ts";

const owner: KubeObject = {
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name: "chat", namespace: "inference", uid: "u" },
};

/** Objects in memory. Of each Job that is made, one pod has ended with `message`. */
export class Objects implements OwnedObjects {
  readonly made: string[] = [];
  readonly #objects = new Map<string, KubeObject>();
  readonly #message: string;
  constructor(message = "", there: readonly KubeObject[] = []) {
    this.#message = message;
    for (const object of there) this.#objects.set(`${object.kind} ${object.metadata.name}`, object);
  }
  get({ kind, name }: OwnedPlace) {
    return Promise.resolve(this.#objects.get(`${kind} ${name}`));
  }
  create(object: KubeObject) {
    const key = `${object.kind} ${object.metadata.name}`;
    const free = !this.#objects.has(key);
    if (free) this.#objects.set(key, { ...object, metadata: { ...object.metadata, uid: key } });
    if (free) this.made.push(key);
    return Promise.resolve(free);
  }
  merge({ kind, name }: OwnedPlace, patch: unknown) {
    const before = this.#objects.get(`${kind} ${name}`) as KubeObject & { data?: object };
    const { data } = patch as { data: object };
    this.#objects.set(`${kind} ${name}`, { ...before, data: { ...before.data, ...data } } as KubeObject);
    return Promise.resolve();
  }
  delete({ kind, name }: OwnedPlace) {
    this.#objects.delete(`${kind} ${name}`);
    return Promise.resolve();
  }
  podsOfJob(namespace: string, job: string) {
    const metadata = { name: `${job}-0`, namespace, ownerReferences: [{ uid: `Job ${job}` }] };
    const status = { containerStatuses: [{ state: { terminated: { exitCode: 0, message: this.#message } } }] };
    return Promise.resolve([{ apiVersion: "v1", kind: "Pod", metadata, status }]);
  }
}

export const partsOf = (objects: Objects, more: Partial<JobParts> = {}): JobParts => ({
  ...{ objects, owner, base: "chat-sweep-0", image: "servetwin:2", maxTraceBytes: 1000, onlyKnown: false },
  job: () => ({ parallelism: 1, cpu: "1", memory: "1Gi", suspend: false }),
  signal: new AbortController().signal,
  tell: () => undefined,
  ...more,
});

export const traced = (input: TraceInput): Scenario =>
  scenario({
    traffic: {
      ...{ kind: "trace", format: "azure-2024", input, rateScale: 1, startOffsetMicros: 0 },
      ...{ onError: "Fail", maxRequests: 1 },
    },
  });
