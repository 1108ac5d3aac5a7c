import * as z from "zod";
import { producer } from "../producer.ts";

/**
 * Reads a session's id from a header or a cookie (llm-d-router v0.9). Traffic says a request's session, whatever header
 * brings it, so there is nothing to find out; consumers go by it themselves.
 */
export const sessionId = producer({
  name: "session-id-producer",
  summary: "reads the session from a header or a cookie",
  params: () =>
    z.object({
      headerName: z.string().default("").meta({ description: "Name of the header; either this or the cookie." }),
      cookieName: z.string().default("").meta({ description: "Name of the cookie." }),
    }),
  create: () => ({ blind: true, produce: () => {} }),
});
