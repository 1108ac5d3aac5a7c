import { DRIFT_METRICS } from "./drift-metrics.ts";
import { type Compared, compare, type Pair } from "./drift-test.ts";
import { intervalOf, type Reading } from "./reading.ts";

/** What is likely to be the matter. */
export type DriftCause = "TrafficDiffers" | "ReplicasDiffer" | "EngineDiffers" | "QueueingDiffers";

export interface Drift {
  /** undefined: too little is known. */
  readonly drifted: boolean | undefined;
  readonly compared: readonly Compared[];
  /** Where it has drifted. */
  readonly cause?: DriftCause;
  /** In words, with figures. */
  readonly message: string;
}

/** Of the metrics together: how sure it must be that any of them exceeds its margin (Bonferroni). */
const SURE = 1 - 0.01 / DRIFT_METRICS.length;
/** Of one metric alone: it is named as part of the matter. */
const TELLING = 0.99;
/** Below this of each metric, nothing speaks for a drift any more. */
const CALM = 0.9;
/** Intervals in a row that must say so, before it is believed. */
const [TO_DRIFT, TO_CALM] = [3, 10];
/** Intervals that are compared: half an hour of minutes. */
const WINDOW = 30;

/** Keeps what both sides did lately, and says whether they differ. Told at the same instants of both, a minute apart. */
export class DriftWatch {
  readonly #pairs: Pair[] = [];
  #last: { readonly simulated: Reading; readonly production: Reading } | undefined;
  #drifted: boolean | undefined;
  #loud = 0;
  #calm = 0;

  /** @returns what can be said by now */
  add(simulated: Reading, production: Reading): Drift {
    const last = this.#last;
    this.#last = { simulated, production };
    if (last !== undefined) {
      const [ours, theirs] = [intervalOf(last.simulated, simulated), intervalOf(last.production, production)];
      if (ours !== undefined && theirs !== undefined) this.#pairs.push({ simulated: ours, production: theirs });
      if (this.#pairs.length > WINDOW) this.#pairs.shift();
    }
    const compared = DRIFT_METRICS.flatMap((metric) => compare(metric, this.#pairs) ?? []);
    this.#judge(compared);
    return { drifted: this.#drifted, compared, ...explained(this.#drifted, compared) };
  }

  #judge(compared: readonly Compared[]): void {
    if (compared.length === 0) return;
    const loud = compared.some(({ confidence }) => confidence > SURE);
    const calm = compared.every(({ confidence }) => confidence < CALM);
    this.#loud = loud ? this.#loud + 1 : 0;
    this.#calm = calm ? this.#calm + 1 : 0;
    if (this.#loud >= TO_DRIFT) this.#drifted = true;
    else if (this.#drifted === undefined || this.#calm >= TO_CALM) this.#drifted = false;
  }
}

/** Whoever causes the others comes first: with another traffic, all else differs too. */
const CAUSES: readonly { readonly cause: DriftCause; readonly metrics: readonly string[]; readonly says: string }[] = [
  {
    cause: "TrafficDiffers",
    metrics: ["rate", "prompt_tokens_mean", "output_tokens_mean"],
    says: "the traffic differs",
  },
  { cause: "ReplicasDiffer", metrics: ["replicas"], says: "the number of replicas differs" },
  { cause: "EngineDiffers", metrics: ["itl_mean", "itl_p50", "itl_p99"], says: "production's engine" },
];

const explained = (drifted: boolean | undefined, compared: readonly Compared[]): Pick<Drift, "cause" | "message"> => {
  if (drifted === undefined) return { message: "too little is known yet" };
  if (!drifted) return { message: "no metric differs by more than its margin and chance" };
  const sure = compared.filter(({ confidence }) => confidence >= TELLING);
  const figures = [...sure]
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, 4)
    .map(({ metric, ratio }) => `${metric} ${percent(ratio)}`)
    .join(", ");
  const told = figures === "" ? "" : ` (simulation against production: ${figures})`;
  const found = CAUSES.find(({ metrics }) => sure.some(({ metric }) => metrics.includes(metric)));
  if (found === undefined) return { cause: "QueueingDiffers", message: `requests wait differently${told}` };
  const { cause, metrics, says } = found;
  if (cause !== "EngineDiffers") return { cause, message: `${says}${told}` };
  const strongest = sure.find(({ metric }) => metrics.includes(metric)) as Compared;
  const how = strongest.ratio < 1 ? "slower" : "faster";
  return { cause, message: `${says} is ${how} than the simulated one${told}` };
};

const percent = (ratio: number): string => `${ratio >= 1 ? "+" : "-"}${Math.abs(100 * (ratio - 1)).toFixed(0)} %`;
