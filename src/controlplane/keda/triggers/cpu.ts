import { resourceParams, resourceTrigger } from "../resource-trigger.ts";
import { triggerType } from "../trigger.ts";

export const cpu = triggerType({
  name: "cpu",
  summary: "use of cpu, measured by the HPA itself",
  params: resourceParams,
  create: (params, context) => resourceTrigger("cpu", params, context),
});
