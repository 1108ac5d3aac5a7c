import { setTimeout as sleep } from "node:timers/promises";
import { bad, good, type Problem, type Result } from "../../model/problem.ts";
import { VERSION } from "../../model/version.ts";
import type { SweepJob } from "../../schema/sweep.ts";
import type { OwnedObjects, OwnedPlace } from "../../store/owned-objects.ts";
import { type KubeObject, StoreError } from "../../store/store.ts";
import type { Measured } from "../../twin/sweep/score.ts";
import { type LedgerEntry, ledgerEntry, MOST_RUNS, measuredIn, type Row } from "../../worker/sweep/result-lines.ts";
import { encodeRound } from "../../worker/sweep/round.ts";
import { isOwnedBy } from "../owned-metadata.ts";
import { inputName, inputOf, isSameJob, jobName, jobOf, ledgerOf, roundKey } from "./job-manifest.ts";
import { failureOf, jobState, resultsOf, waitingOf } from "./job-news.ts";
import type { SweepRuns } from "./runs.ts";

/** How a Job comes on. */
export interface JobProgress {
  readonly job: string;
  readonly runs: number;
  readonly done: number;
  /** Why nothing happens, if so. */
  readonly waiting?: string;
}

export interface JobParts {
  readonly objects: OwnedObjects;
  /** The simulation; all that is made goes with it. */
  readonly owner: KubeObject;
  /** Names of all that is made begin with it; another one where anything that the result depends on is another. */
  readonly base: string;
  readonly image: string;
  /** As it is said now: `suspend` may change under way. */
  readonly job: () => SweepJob;
  readonly maxTraceBytes: number;
  readonly signal: AbortSignal;
  /** Takes what the ledger has, and makes nothing. */
  readonly onlyKnown: boolean;
  readonly tell: (progress: JobProgress) => void;
}

const POLL_MS = 2000;
/** Of one ConfigMap, before base64 makes a third more of them; the API server takes 1 MiB. */
export const MOST_INPUT_BYTES = 512 * 1024;
const MOST_INPUTS = 16;
/** Jobs for one round: results may be lost with their pods, when a node goes just as they end. */
const MOST_ATTEMPTS = 3;

/**
 * Each round is an Indexed Job whose pods take one shard each. Input and results stand in ConfigMaps that the simulation owns. A pod
 * tells its results in its termination message, so it needs neither rights nor network; the ledger keeps them. All can be done again: a new
 * operator finds the rounds that are done in the ledger, and the Job that runs by its name.
 */
export const jobRuns = (parts: JobParts): SweepRuns => {
  let rounds = 0;
  return async (scenarios, objectives) => {
    if (scenarios.length === 0) return good([]);
    rounds += 1;
    const shards = Math.max(
      Math.min(parts.job().parallelism, scenarios.length),
      Math.ceil(scenarios.length / MOST_RUNS),
    );
    const { maxTraceBytes } = parts;
    const input = encodeRound({ version: VERSION, objectives, maxTraceBytes, scenarios });
    try {
      return await new Round(parts, rounds, { ...input, shards, runs: scenarios.length }).run();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return bad(refused(error));
    }
  };
};

/** Deletes what an earlier sweep of the simulation has left: its ledger, and what that names. */
export const forgetSweep = async (objects: OwnedObjects, owner: KubeObject, base: string): Promise<void> => {
  const { namespace = "default", uid } = owner.metadata;
  const ledger = await objects.get({ kind: "ConfigMap", namespace, name: base });
  if (ledger === undefined || !isOwnedBy(ledger, uid)) return;
  for (const [key, text] of Object.entries((ledger.data ?? {}) as Record<string, string>)) {
    const entry = entryIn(text);
    if (entry !== undefined) await clear(objects, namespace, base, Number(key.replace(/^\D+/, "")), entry);
  }
  await objects.delete({ kind: "ConfigMap", namespace, name: base });
};

/** Job and input of a round that is no longer needed. */
const clear = async (
  objects: OwnedObjects,
  namespace: string,
  base: string,
  round: number,
  { jobs, inputs }: Pick<LedgerEntry, "jobs" | "inputs">,
): Promise<void> => {
  for (let i = 0; i < jobs; i += 1) await objects.delete({ kind: "Job", namespace, name: jobName(base, round, i) });
  for (let i = 0; i < inputs; i += 1)
    await objects.delete({ kind: "ConfigMap", namespace, name: inputName(base, round, i) });
};

const entryIn = (text: string | undefined): LedgerEntry | undefined => {
  try {
    return ledgerEntry.safeParse(JSON.parse(text ?? "null")).data;
  } catch {
    return undefined;
  }
};

interface RoundInput {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly shards: number;
  readonly runs: number;
}

class Round {
  readonly #parts: JobParts;
  readonly #number: number;
  readonly #namespace: string;
  readonly #input: RoundInput;
  readonly #known = new Map<number, Row>();
  #jobs = 0;
  #inputs = 0;

  constructor(parts: JobParts, number: number, input: RoundInput) {
    this.#parts = parts;
    this.#number = number;
    this.#input = input;
    this.#namespace = parts.owner.metadata.namespace ?? "default";
  }

  async run(): Promise<Result<readonly Measured[]>> {
    const { onlyKnown } = this.#parts;
    const taken = await this.#openLedger();
    if (taken !== undefined) return bad(taken);
    if (this.#isDone) return onlyKnown ? this.#found() : this.#finish();
    if (onlyKnown) {
      const there = `ConfigMap ${this.#namespace}/${this.#parts.base}`;
      return bad(this.#lost(`${there} no longer has`, "change the simulation, and the sweep begins anew"));
    }
    const { bytes } = this.#input;
    this.#inputs = Math.ceil(bytes.length / MOST_INPUT_BYTES);
    if (this.#inputs > MOST_INPUTS) {
      const message = `the input of ${this.#input.runs} runs takes ${bytes.length} bytes, more than ${MOST_INPUTS * MOST_INPUT_BYTES}`;
      const fix = "try fewer candidates, use a shorter trace, or leave spec.sweep.job out";
      return bad({ severity: "error", reason: "SweepInputTooLarge", field: "spec.sweep.job", message, fix });
    }
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      this.#jobs = attempt + 1;
      await this.#write();
      const problem = (await this.#makeInput()) ?? (await this.#runJob(attempt));
      if (problem !== undefined) return bad(problem);
      if (this.#isDone) return this.#finish();
    }
    const why = "their Jobs are complete or gone, without";
    return bad(this.#lost(why, "see whether somebody deletes Jobs or pods in this namespace"));
  }

  #lost(how: string, fix: string): Problem {
    const missing = this.#input.runs - this.#known.size;
    const message = `${how} the results of ${missing} runs`;
    return { severity: "error", reason: "SweepResultsLost", field: "spec.sweep.job", message, fix };
  }

  get #isDone(): boolean {
    return this.#known.size >= this.#input.runs;
  }

  async #finish(): Promise<Result<readonly Measured[]>> {
    const { objects, base } = this.#parts;
    const left = { jobs: this.#jobs, inputs: this.#inputs };
    await this.#patiently(() => clear(objects, this.#namespace, base, this.#number, left));
    return this.#found();
  }

  #found(): Result<readonly Measured[]> {
    return good(Array.from({ length: this.#input.runs }, (_, i) => measuredIn(this.#known.get(i) as Row)));
  }

  /** Reads what is known, in a ledger that is there from the first round on. @returns what is wrong with it */
  async #openLedger(): Promise<Problem | undefined> {
    const { objects, base, owner, onlyKnown } = this.#parts;
    if (!onlyKnown) await this.#patiently(() => objects.create(ledgerOf(owner, base)));
    const ledger = await this.#patiently(() => objects.get(this.#place("ConfigMap", base)));
    if (ledger === undefined && onlyKnown) return undefined;
    if (ledger === undefined || !isOwnedBy(ledger, owner.metadata.uid)) return this.#nameTaken("ConfigMap", base);
    const entry = entryIn((ledger.data as Record<string, string> | undefined)?.[roundKey(this.#number)]);
    if (entry === undefined) return undefined;
    if (entry.digest !== this.#input.digest) {
      // Of other candidates than there are now.
      if (!onlyKnown) await this.#patiently(() => clear(objects, this.#namespace, base, this.#number, entry));
      return undefined;
    }
    [this.#jobs, this.#inputs] = [entry.jobs, entry.inputs];
    this.#learn(entry.rows);
    return undefined;
  }

  /** @returns whether there is news */
  #learn(rows: readonly Row[]): boolean {
    const before = this.#known.size;
    for (const row of rows) if (row[0] < this.#input.runs) this.#known.set(row[0], row);
    return this.#known.size > before;
  }

  #write(): Promise<void> {
    const { objects, base } = this.#parts;
    const rows = [...this.#known.values()].sort(([a], [b]) => a - b);
    const entry: LedgerEntry = { digest: this.#input.digest, inputs: this.#inputs, jobs: this.#jobs, rows };
    const data = { [roundKey(this.#number)]: JSON.stringify(entry) };
    return this.#patiently(() => objects.merge(this.#place("ConfigMap", base), { data }));
  }

  async #makeInput(): Promise<Problem | undefined> {
    const { objects, owner } = this.#parts;
    for (const [i, name] of this.#inputNames().entries()) {
      const part = this.#input.bytes.subarray(i * MOST_INPUT_BYTES, (i + 1) * MOST_INPUT_BYTES);
      if (await this.#patiently(() => objects.create(inputOf(owner, name, part)))) continue;
      const there = await this.#patiently(() => objects.get(this.#place("ConfigMap", name)));
      if (there !== undefined && !isOwnedBy(there, owner.metadata.uid)) return this.#nameTaken("ConfigMap", name);
    }
    return undefined;
  }

  #inputNames(): readonly string[] {
    return Array.from({ length: this.#inputs }, (_, i) => inputName(this.#parts.base, this.#number, i));
  }

  /** Until it is over, or all is known. @returns why it can't go on */
  async #runJob(attempt: number): Promise<Problem | undefined> {
    const { objects, owner, image, base, signal } = this.#parts;
    const name = jobName(base, this.#number, attempt);
    const ledger = { name: base, key: roundKey(this.#number) };
    const { shards } = this.#input;
    const said = { owner, name, image, job: this.#parts.job(), shards, inputs: this.#inputNames(), ledger };
    const taken = await this.#begin(jobOf(said));
    if (taken !== undefined) return taken;
    for (;;) {
      const job = await this.#patiently(() => objects.get(this.#place("Job", name)));
      // Deleted by somebody: what is missing is done by the next.
      if (job === undefined) return undefined;
      const pods = (await this.#patiently(() => objects.podsOfJob(this.#namespace, name))).filter((pod) =>
        isOwnedBy(pod, job.metadata.uid),
      );
      const problem = await this.#take(pods);
      if (problem !== undefined) return problem;
      const state = jobState(job);
      const waiting = state === "suspended" ? `Job ${name} is suspended` : waitingOf(pods);
      const { runs } = this.#input;
      this.#parts.tell({ job: name, runs, done: this.#known.size, ...(waiting === undefined ? {} : { waiting }) });
      if (this.#isDone || state === "complete") return undefined;
      if (state === "failed") return failureOf(job, pods);
      await this.#steer(job);
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /** Makes the Job unless it runs already; one that has failed, or that was made otherwise, gives way. */
  async #begin(wanted: KubeObject): Promise<Problem | undefined> {
    const { objects, owner, signal } = this.#parts;
    const { name } = wanted.metadata;
    while (!(await this.#patiently(() => objects.create(wanted)))) {
      const there = await this.#patiently(() => objects.get(this.#place("Job", name)));
      if (there === undefined) continue;
      if (!isOwnedBy(there, owner.metadata.uid)) return this.#nameTaken("Job", name);
      if (isSameJob(there, wanted) && jobState(there) !== "failed") return undefined;
      await this.#patiently(() => objects.delete(this.#place("Job", name)));
      await sleep(POLL_MS / 4, undefined, { signal });
    }
    return undefined;
  }

  /** Puts what pods have found into the ledger. */
  async #take(pods: readonly KubeObject[]): Promise<Problem | undefined> {
    const results = resultsOf(pods);
    const other = results.find(({ version }) => version !== VERSION);
    if (other !== undefined) {
      const message = `the image ${this.#parts.image} holds servetwin ${other.version}, and the operator is ${VERSION}`;
      const fix = "ask the installer for --sweep-image of the same version";
      return { severity: "error", reason: "SweepImageDiffers", field: "spec.sweep.job", message, fix };
    }
    const ours = results.filter(({ digest }) => digest === this.#input.digest);
    if (this.#learn(ours.flatMap(({ rows }) => rows))) await this.#write();
    const problem = ours.find((one) => one.problem !== undefined)?.problem;
    return problem === undefined ? undefined : { severity: "error", ...problem };
  }

  /** `suspend` is the simulation's to say, unless a queue says it. */
  async #steer(job: KubeObject): Promise<void> {
    const { queueName, suspend } = this.#parts.job();
    if (queueName !== undefined || suspend === ((job.spec as { suspend?: boolean }).suspend ?? false)) return;
    const place = this.#place("Job", job.metadata.name);
    await this.#patiently(() => this.#parts.objects.merge(place, { spec: { suspend } }));
  }

  #place(kind: OwnedPlace["kind"], name: string): OwnedPlace {
    return { kind, namespace: this.#namespace, name };
  }

  #nameTaken(kind: OwnedPlace["kind"], name: string): Problem {
    const message = `there is a ${kind} ${this.#namespace}/${name} that this simulation doesn't own`;
    return { severity: "error", reason: "NameTaken", field: "spec.sweep.job", message, fix: "delete it" };
  }

  /** An API server that is away for a while ends no sweep. */
  async #patiently<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      this.#parts.signal.throwIfAborted();
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== "retry") throw error;
        await sleep((error.retryAfterSeconds ?? 5) * 1000, undefined, { signal: this.#parts.signal });
      }
    }
  }
}

/** Mostly: it may not. */
const refused = ({ kind, message }: StoreError): Problem => ({
  severity: "error",
  reason: kind === "gone" ? "SweepObjectGone" : "SweepJobRefused",
  field: "spec.sweep.job",
  message,
  fix:
    kind === "gone"
      ? "somebody has deleted it; change the simulation, and the sweep begins anew"
      : "ask the installer for the rights of deploy/kustomize/sweep-jobs in this namespace, or leave spec.sweep.job out",
});
