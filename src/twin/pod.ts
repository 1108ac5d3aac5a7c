import type { PodView } from "../controlplane/autoscaler.ts";
import type { Engine } from "../engine/engine.ts";
import type { Foreseeable } from "../engine/outlook.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { PodPhase } from "../model/fact.ts";
import { hash32 } from "../sim/rng.ts";
import { type SimTime, START } from "../sim/time.ts";
import type { WorkloadScenario } from "./scenario.ts";

/** What tells a pod from others of its name and workload. */
export interface PodIdentity {
  /** Of workloads whose pods have one. */
  readonly ordinal?: number;
  /** Pods that had its name before. */
  readonly incarnation: number;
  /** Of the template that it was made of. */
  readonly revision: number;
}

const FIRST: PodIdentity = { incarnation: 0, revision: 1 };

/** One endpoint picker's scrapes of a pod: they lie on a grid. */
export interface PickerScrapes {
  readonly pod: Pod;
  /** Where in its interval it is scraped, microseconds. */
  readonly phase: number;
  /** The last instant of the grid that was read, or lies before its engine was up. */
  read: number;
  /** The next scrape is on the agenda. */
  watched: boolean;
  /** The picker's own record of it. */
  readonly endpoint: Endpoint;
}

/** One simulated pod: the truth that gateway and autoscaler see late or not at all. */
export class Pod {
  readonly name: string;
  readonly workload: WorkloadScenario;
  readonly identity: PodIdentity;
  readonly created: SimTime;
  phase: PodPhase = "pending";
  /** When its container started; undefined before. */
  started: SimTime | undefined;
  /** When its Ready condition last changed. */
  readyChanged: SimTime | undefined;
  /** From ready on. */
  engine: (Engine & Foreseeable) | undefined;
  /** When its engine was up. */
  since: SimTime | undefined;
  /** Place of the alarm for its engine's next event; from `since` on. */
  alarm = -1;
  /** SIGTERM has come and the engine finishes what it runs. */
  draining = false;
  /** By endpoint picker: each scrapes it by itself. */
  readonly scrapes: PickerScrapes[] = [];
  /** Up to then no scrape is to be read before its engine is looked at; earlier than any time where nobody keeps account. */
  scrapedUntil: SimTime = -1 as SimTime;

  constructor(name: string, workload: WorkloadScenario, created: SimTime, identity: PodIdentity = FIRST) {
    this.name = name;
    this.identity = identity;
    this.workload = workload;
    this.created = created;
  }

  /** Name of its streams of chance; of one of the pods of its group. */
  streamName(member: string = this.name): string {
    const { incarnation } = this.identity;
    return incarnation === 0 ? `pods/${member}` : `pods/${member}/again-${incarnation}`;
  }

  /** Picker `picker` scrapes it from now on. @param endpoint its record of it */
  scrapedBy(picker: number, intervalMicros: number, endpoint: Endpoint): void {
    const phase = hash32(picker === 0 ? this.name : `${this.name}/picker-${picker}`) % intervalMicros;
    const read = lastScrape(phase, intervalMicros, this.since ?? START);
    this.scrapes[picker] = { pod: this, phase, read, watched: this.scrapes[picker]?.watched ?? false, endpoint };
  }

  get ready(): boolean {
    return this.phase === "ready";
  }

  /** As the API server would show it. */
  view(): PodView {
    return {
      name: this.name,
      createdAt: this.created,
      phase: this.started === undefined ? "Pending" : "Running",
      ready: this.started === undefined ? null : this.ready,
      startedAt: this.started,
      readyChangedAt: this.readyChanged,
      deleting: this.phase === "terminating",
      ...(this.workload.requests === undefined ? {} : { requests: this.workload.requests }),
    };
  }
}

/** The last instant of a grid before `before`. */
export const lastScrape = (phase: number, interval: number, before: SimTime): number =>
  Math.floor((before - 1 - phase) / interval) * interval + phase;
