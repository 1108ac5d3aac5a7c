import * as z from "zod";
import { decider } from "../decider.ts";

/** Every prompt is computed elsewhere (llm-d-router v0.9). */
export const alwaysDisaggPd = decider({
  name: "always-disagg-pd-decider",
  summary: "every request has its prompt computed by a prefill endpoint",
  params: () => z.object({}),
  create: () => ({ disaggregate: () => true }),
});
