import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { RequestHead } from "../model/request.ts";
import type { Micros, SimTime } from "../sim/time.ts";
import type { Ask, Hooks } from "./ask.ts";
import type { LatencyForecast, PluginContext, PrefixMatch, TokenLoad } from "./knowledge.ts";
import type { KvEvent } from "./kv-event.ts";

/** Finds out something about the candidates before they are filtered and scored (EPP's data producers). */
export interface Producer extends Hooks {
  readonly prefix?: PrefixMatch;
  readonly load?: TokenLoad;
  readonly latency?: LatencyForecast;
  /** For each endpoint of the ask, before any filter. */
  produce(ask: Ask): void;
  observeKv?(event: KvEvent, now: SimTime): void;
  /** How long it collects requests before they are scheduled together. */
  readonly window?: Micros;
  /** The requests of one window, in order of arrival. */
  gathered?(requests: readonly RequestHead[], endpoints: readonly Endpoint[], slots: Int32Array): void;
}

export const producer = kindOf<PluginContext, Producer>();
