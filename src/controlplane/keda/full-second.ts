import type { SimTime } from "../../sim/time.ts";

/** An instant as it is written in RFC 3339 without fractions: the world begins at a full second. */
export const fullSecond = (now: SimTime): SimTime => (now - (now % 1e6)) as SimTime;
