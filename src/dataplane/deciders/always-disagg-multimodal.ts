import * as z from "zod";
import { decider } from "../decider.ts";

/** Requests with images and the like (llm-d-router v0.9). */
export const alwaysDisaggMultimodal = decider({
  name: "always-disagg-multimodal-decider",
  summary: "requests with images and the like have a stage of their own",
  params: () => z.object({}),
  create: () => ({ disaggregate: ({ request }) => (request.encoderItems?.length ?? 0) > 0 }),
});
