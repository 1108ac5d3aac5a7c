import type { GatewayScenario, PickerGateway } from "./scenario.ts";

/** The pod of an endpoint picker. @param picker which of those at work, from 0 */
export const pickerPod = ({ pool, pickers = 1 }: PickerGateway, picker: number): string =>
  pickers === 1 ? `${pool}-epp` : `${pool}-epp-${picker}`;

/**
 * Who decides: an endpoint picker by its pod, `router-N` where a policy's routers stand side by side.
 * @returns undefined: the one gateway, by a policy
 */
export const pickerName = (scenario: GatewayScenario, picker: number): string | undefined => {
  if (scenario.kind === "epp") return pickerPod(scenario, picker);
  return (scenario.pickers ?? 1) === 1 ? undefined : `router-${picker}`;
};
