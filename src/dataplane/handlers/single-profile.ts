import * as z from "zod";
import { handler } from "../handler.ts";
import { placeBySingle } from "../single.ts";

/** Runs the only profile (llm-d-router v0.9). */
export const singleProfile = handler({
  name: "single-profile-handler",
  summary: "one profile picks the endpoint",
  params: () => z.object({}),
  create: () => ({ place: placeBySingle }),
});
