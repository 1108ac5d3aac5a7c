import { hash32 } from "../../sim/rng.ts";
import { instant, type Micros, type SimTime } from "../../sim/time.ts";

/**
 * When a target is scraped next: each target has a phase of its own within the interval, the same whoever asks and
 * whenever, so that scrapes spread evenly over time.
 *
 * @returns the first instant of the target's grid after `now`; the wait is in (0, interval]
 * Source: Target.offset in Prometheus 3 (hash of the target's labels and the server's seed, modulo the interval). Ours
 * hashes the target's name, so a target's phase differs from that in a given Prometheus server; the spread is alike.
 */
export const nextScrape = (target: string, now: SimTime, interval: Micros): SimTime => {
  const phase = scrapePhase(target, interval);
  const periods = Math.floor((now - phase) / interval) + 1;
  return instant(phase + periods * interval);
};

/** @returns the target's phase, in [0, interval) */
export const scrapePhase = (target: string, interval: Micros): Micros =>
  Math.floor((hash32(target) / 2 ** 32) * interval) as Micros;
