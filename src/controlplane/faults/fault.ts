import * as z from "zod";
import { durationOf, durationText } from "../../model/duration.ts";
import { kindOf } from "../../model/plugin.ts";
import { after, type SimTime, START } from "../../sim/time.ts";
import type { QueryAnswer, SeriesLabels } from "../monitoring-server.ts";

/** Something of the control loop that is broken for a while. What it doesn't name works as always. */
export interface Fault {
  readonly from: SimTime;
  /** When it is over. */
  readonly until: SimTime;
  /** What the monitoring server answers to every query. */
  readonly answer?: Extract<QueryAnswer, { ok: false }>;
  /** What becomes of a target's scrape. `missed`: nobody scrapes, nothing is stored. `failed`: `up` is 0, its series end. */
  scrape?(labels: SeriesLabels): "missed" | "failed" | undefined;
  /** Families that a target shows as they were when it began. */
  readonly frozen?: string;
  /** Who is not there, and then starts with an empty memory. */
  readonly stops?: "controllers" | "adapter";
  /** That each call to the API server takes. */
  readonly apiServerMicros?: number;
  /** Times that pulling an image takes longer. */
  readonly imagePullFactor?: number;
  /** Node pool that gets no new node; "": none does. */
  readonly withoutNodes?: string;
}

export const fault = kindOf<undefined, Fault>();

/** When it begins and how long it lasts: what every fault says. */
export const window = {
  at: durationText.meta({ description: "When it begins, from the start of the run." }),
  for: durationText.meta({ description: "How long it lasts." }),
};

export type WindowSaid = z.output<z.ZodObject<typeof window>>;

export const windowOf = ({ at, for: length }: WindowSaid): Pick<Fault, "from" | "until"> => {
  const from = after(START, durationOf(at));
  return { from, until: after(from, durationOf(length)) };
};
