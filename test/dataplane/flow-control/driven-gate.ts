import { detectors } from "../../../src/dataplane/detectors/index.ts";
import { evictionGrace } from "../../../src/dataplane/flow-control/flow-control.ts";
import { FrontGate, type GateEvent } from "../../../src/dataplane/front-gate/front-gate.ts";
import type { FrontGateSaid } from "../../../src/dataplane/front-gate/index.ts";
import { priorityBy } from "../../../src/dataplane/priority.ts";
import type { RequestHead } from "../../../src/model/request.ts";
import { Agenda } from "../../../src/sim/agenda.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { instant, type SimTime, START } from "../../../src/sim/time.ts";
import { NaiveQueue } from "./naive-queue.ts";

/** An endpoint whose beliefs the script changes. */
export interface Pod {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  scrapedAt: SimTime | undefined;
  waiting: number;
  running: number;
  kvUsage: number;
  readonly cache: undefined;
  readonly lora: undefined;
  inFlight: number;
  inFlightTokens: number;
}

export const pod = (name: string, some: Partial<Pod> = {}): Pod => ({
  name,
  labels: {},
  scrapedAt: START,
  waiting: 0,
  running: 0,
  kvUsage: 0,
  cache: undefined,
  lora: undefined,
  inFlight: 0,
  inFlightTokens: 0,
  ...some,
});

export type Step =
  | { readonly kind: "arrive"; readonly head: RequestHead }
  | { readonly kind: "scrape"; readonly pod: string; readonly waiting: number; readonly kvUsage: number }
  | { readonly kind: "join"; readonly pod: Pod }
  | { readonly kind: "leave"; readonly pod: string }
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "end"; readonly head: RequestHead; readonly pod: string };

export type Script = readonly { readonly at: number; readonly step: Step }[];

/** What both gates can do; what becomes of requests is told as lines. */
interface Driven {
  due(): number;
  arrive(head: RequestHead, now: SimTime): void;
  wake(now: SimTime): void;
  beliefsChanged(now: SimTime): void;
  cancel(id: number, now: SimTime): boolean;
  started(head: RequestHead, now: SimTime): void;
  ended(head: RequestHead, outputTokens: number, now: SimTime): void;
}

export interface Course {
  readonly lines: string[];
  /** How often the gate was woken or, the naive one, went through a cycle. */
  wakes: number;
}

/** Whose output is as long as its id says, and who runs for that long. */
const outputOf = ({ id }: RequestHead): number => 1 + ((id * 7919) % 300);

/** Runs a script over a gate; what was let out runs for a while on one of the pods. */
const drive = (
  script: Script,
  horizon: number,
  make: (pods: Pod[], tell: (line: string, head?: RequestHead) => void) => Driven,
  course: Course,
): void => {
  const pods: Pod[] = [];
  const agenda = new Agenda<Step>(START);
  const running = new Map<number, { readonly head: RequestHead; readonly pod: string }>();
  let now = START;
  const tell = (line: string, head?: RequestHead): void => {
    course.lines.push(line);
    const revoked = /revoke (\d+)/.exec(line);
    if (revoked !== null) {
      const one = running.get(Number(revoked[1]));
      if (one !== undefined) agenda.at(instant(now + (one.head.id % 4) * 1000), 0, { kind: "end", ...one });
    }
    const target = head === undefined ? undefined : pods[head.id % Math.max(1, pods.length)];
    if (head === undefined || target === undefined) return;
    target.inFlight += 1;
    target.inFlightTokens += head.promptTokens;
    running.set(head.id, { head, pod: target.name });
    gate.started(head, now);
    agenda.at(instant(now + 1 + outputOf(head) * 1500), 0, { kind: "end", head, pod: target.name });
  };
  const gate = make(pods, tell);
  for (const { at, step } of script) agenda.at(instant(at), 0, step);
  const apply = (step: Step): void => {
    switch (step.kind) {
      case "arrive":
        course.lines.push(`${now} in ${step.head.id}`);
        return gate.arrive(step.head, now);
      case "cancel":
        course.lines.push(`${now} cancel ${step.id} ${gate.cancel(step.id, now)}`);
        return;
      case "join":
        pods.push({ ...step.pod });
        return gate.beliefsChanged(now);
      case "leave":
        pods.splice(0, pods.length, ...pods.filter(({ name }) => name !== step.pod));
        return gate.beliefsChanged(now);
      case "scrape": {
        const scraped = pods.find(({ name }) => name === step.pod);
        if (scraped === undefined) return;
        scraped.scrapedAt = now;
        scraped.waiting = step.waiting;
        scraped.kvUsage = step.kvUsage;
        return gate.beliefsChanged(now);
      }
      case "end": {
        if (!running.delete(step.head.id)) return;
        const there = pods.find(({ name }) => name === step.pod);
        if (there !== undefined && there.inFlight > 0) {
          there.inFlight -= 1;
          there.inFlightTokens -= step.head.promptTokens;
        }
        return gate.ended(step.head, outputOf(step.head), now);
      }
      default:
        return step satisfies never;
    }
  };
  for (;;) {
    const due = gate.due();
    const next = agenda.next;
    if (Math.min(due, next) > horizon) return;
    now = instant(Math.min(due, next));
    if (next <= due) apply(agenda.pop() as Step);
    else {
      course.wakes += 1;
      gate.wake(now);
    }
  }
};

export const lineOf = (event: GateEvent, now: number): string => {
  switch (event.kind) {
    case "admitted":
      return `${now} out ${event.head.id}`;
    case "revoke":
      return `${now} revoke ${event.id}`;
    case "refused":
      return `${now} drop ${event.head.id} ${event.reason}${event.reason === "EvictedTTL" && event.status === 503 ? " 503" : ""}`;
    default:
      return event satisfies never;
  }
};

/** Ours. */
export const courseOf = (
  said: FrontGateSaid,
  script: Script,
  horizon: number,
): Course & { readonly gate: FrontGate } => {
  const course: Course = { lines: [], wakes: 0 };
  const gate = new FrontGate(said, { streams: rngOf(1) });
  drive(
    script,
    horizon,
    (pods, tell) => {
      const tellAll = (events: readonly GateEvent[], now: SimTime): void => {
        for (const event of events) tell(lineOf(event, now), event.kind === "admitted" ? event.head : undefined);
      };
      return {
        due: () => gate.due,
        arrive: (head, now) => tellAll(gate.arrive(head, pods, now) ?? [], now),
        wake: (now) => tellAll(gate.wake(pods, now), now),
        beliefsChanged: (now) => gate.beliefsChanged(pods, now),
        cancel: (id, now) => gate.cancel(id, now),
        started: (head, now) => gate.started(head, now),
        ended: (head, tokens, now) => gate.ended(head, tokens, now),
      };
    },
    course,
  );
  return { ...course, gate };
};

/** The naive one's. */
export const naiveCourseOf = (said: FrontGateSaid, script: Script, horizon: number): Course => {
  const course: Course = { lines: [], wakes: 0 };
  const priorityOf = priorityBy(said.priorities.scheme, said.priorities.values);
  const flowOf = (head: RequestHead): string => head.tenant ?? "default-flow";
  const { flowControl, saturationDetector: detector } = said;
  if (flowControl === undefined) throw new Error("the naive gate has flow control only");
  drive(
    script,
    horizon,
    (pods, tell) => {
      const bands = said.priorities.scheme === "classes" ? [] : [0, ...Object.values(said.priorities.values)];
      const grace = evictionGrace(detector.type === "concurrency-detector");
      const queue = new NaiveQueue(flowControl, detectors.create(detector, {}), bands, grace, tell);
      let woken = 0;
      return {
        due: () => queue.dueAfter(woken),
        arrive: (head, now) => queue.arrive(head, priorityOf(head), flowOf(head), pods, now),
        wake: (now) => {
          woken = now;
          queue.wake(pods, now);
        },
        beliefsChanged: () => undefined,
        cancel: (id) => queue.cancel(id),
        started: (head) => queue.started(head.id, priorityOf(head)),
        ended: (head, tokens, now) => queue.ended(head, flowOf(head), tokens, now),
      };
    },
    course,
  );
  return course;
};
