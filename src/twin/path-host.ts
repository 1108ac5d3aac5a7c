import type { Engine } from "../engine/engine.ts";
import type { Foreseeable } from "../engine/outlook.ts";
import type { DecisionTap } from "../model/decision.ts";
import type { Fact, ServedFact } from "../model/fact.ts";
import type { SimTime } from "../sim/time.ts";
import type { EndedRequest } from "../workload/source.ts";
import type { TwinEvent } from "./event.ts";
import type { Pod } from "./pod.ts";

/** What the request path needs of the world it runs in. */
export interface PathHost {
  /** Served name of the model that the path leads to. */
  readonly model: string;
  /** Which of the world's request paths it is: what it plans comes back to it. */
  readonly path: number;
  readonly clock: { readonly now: SimTime };
  /** Who wants to see how requests are routed. */
  readonly decisions: DecisionTap | undefined;
  tell(fact: Fact): void;
  tellServed(fact: ServedFact): void;
  plan(at: SimTime, event: TwinEvent): void;
  /** A pod that isn't gone. */
  pod(name: string): Pod | undefined;
  /** Its engine, which is about to be told something: what the gateway last scraped of it is read first. */
  engine(pod: Pod): Engine & Foreseeable;
  /** Its engine was told something, so its next event may be another. */
  replan(pod: Pod): void;
  /**
   * The gateway looks at its last scrape of a pod before `before`. Left out where nobody else scrapes it; else all read theirs,
   * since an engine that was looked at doesn't show earlier states any more.
   */
  readonly look?: (pod: Pod, before: SimTime) => void;
  /** A client's request is over, whatever its outcome. */
  over(ended: EndedRequest): void;
}
