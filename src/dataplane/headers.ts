import type { RequestHead } from "../model/request.ts";

/** Which field of a request an HTTP header of llm-d stands for; traffic carries no other headers. */
const FIELDS: Readonly<Record<string, (request: RequestHead) => string | undefined>> = {
  "x-session-id": ({ session }) => session,
  "x-llm-d-inference-fairness-id": ({ tenant }) => tenant,
  "x-gateway-inference-fairness-id": ({ tenant }) => tenant,
  "x-llm-d-inference-objective": ({ sloClass }) => sloClass,
  "x-gateway-inference-objective": ({ sloClass }) => sloClass,
  "x-gateway-model-name": ({ model }) => model,
};

/** @returns the header's value as far as traffic says it; the name's case doesn't matter */
export const headerOf = (request: RequestHead, name: string): string | undefined =>
  FIELDS[name.toLowerCase()]?.(request);

/** Whether traffic can carry this header at all. */
export const isKnownHeader = (name: string): boolean => name.toLowerCase() in FIELDS;
