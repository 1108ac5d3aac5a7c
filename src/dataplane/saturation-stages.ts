import type { Endpoint } from "../model/endpoint.ts";
import type { SimTime } from "../sim/time.ts";
import type { SaturationDetector } from "./detector.ts";
import { DECODE_ROLES, hasRole, PREFILL_ROLES, ROLE_LABEL } from "./roles.ts";

/** How full the pool is, by stage; a stage without endpoints has no figure. */
export interface StageSaturation {
  readonly prefill: number | undefined;
  readonly decode: number | undefined;
  /** What flow control goes by: the fuller stage, or the whole pool where neither has endpoints. */
  readonly effective: number;
}

/** Source: llm-d-router (August 2026), flowcontrol/controller/internal/processor.go `partitionEndpoints`, `dispatchCycle`. */
export const saturationByStage = (
  detector: SaturationDetector,
  endpoints: readonly Endpoint[],
  now: SimTime,
): StageSaturation => {
  const prefill = saturationOf(detector, ofStage(endpoints, isPrefill), now);
  const decode = saturationOf(detector, ofStage(endpoints, isDecode), now);
  if (prefill === undefined && decode === undefined) {
    return { prefill, decode, effective: detector.saturation(endpoints, now) };
  }
  return { prefill, decode, effective: Math.max(prefill ?? 0, decode ?? 0) };
};

const saturationOf = (detector: SaturationDetector, some: readonly Endpoint[], now: SimTime): number | undefined =>
  some.length === 0 ? undefined : detector.saturation(some, now);

/** @returns what it was given where all are of that stage, as in a pool without roles */
const ofStage = (endpoints: readonly Endpoint[], isOf: (endpoint: Endpoint) => boolean): readonly Endpoint[] =>
  endpoints.every(isOf) ? endpoints : endpoints.filter(isOf);

const isPrefill = (endpoint: Endpoint): boolean => hasRole(endpoint, PREFILL_ROLES, false);
/** A pod whose role is empty decodes, as one without. */
const isDecode = (endpoint: Endpoint): boolean =>
  endpoint.labels[ROLE_LABEL] === "" || hasRole(endpoint, DECODE_ROLES, true);
