import * as z from "zod";
import { handler } from "../handler.ts";
import { placeBySingle } from "../single.ts";

/**
 * As `single-profile-handler`; it also sends the rank's port in a header to a sidecar on `primaryPort`, which passes the
 * request on (llm-d-router v0.9; old). Here ranks of a replica are the engine's own, so the header says nothing.
 */
export const dataParallelProfile = handler({
  name: "data-parallel-profile-handler",
  summary: "one profile picks the endpoint; its data-parallel rank goes in a header",
  params: () =>
    z.object({
      primaryPort: z.int().min(0).max(65_535).default(8000).meta({ description: "Port of the sidecar." }),
    }),
  create: () => ({ place: placeBySingle }),
});
