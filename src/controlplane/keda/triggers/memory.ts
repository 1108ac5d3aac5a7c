import { resourceParams, resourceTrigger } from "../resource-trigger.ts";
import { triggerType } from "../trigger.ts";

export const memory = triggerType({
  name: "memory",
  summary: "use of memory, measured by the HPA itself",
  params: resourceParams,
  create: (params, context) => resourceTrigger("memory", params, context),
});
