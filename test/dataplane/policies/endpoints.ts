import type { Endpoint } from "../../../src/model/endpoint.ts";
import { instant } from "../../../src/sim/time.ts";

/** Endpoints with these waiting queues, alike in all else. */
export const withWaiting = (...queues: number[]): Endpoint[] =>
  queues.map((waiting, index) => ({
    name: `pod-${index}`,
    labels: {},
    scrapedAt: instant(1),
    waiting,
    running: 0,
    kvUsage: 0,
    cache: undefined,
    lora: undefined,
    inFlight: 0,
    inFlightTokens: 0,
  }));

export const anyHead = { id: 0, arrival: instant(2), promptTokens: 1 };
