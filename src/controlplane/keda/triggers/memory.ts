import { RESOURCE_PARAMS, resourceTrigger } from "../resource-trigger.ts";
import { triggerType } from "../trigger.ts";

export const memory = triggerType({
  name: "memory",
  summary: "use of memory, measured by the HPA itself",
  params: RESOURCE_PARAMS,
  create: (params, context) => resourceTrigger("memory", params, context),
});
