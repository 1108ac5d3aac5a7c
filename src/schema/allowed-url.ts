import * as z from "zod";

/** A URL that the operator asks for a user; its installer says which. */
export const allowedUrl = z
  .string()
  .min(1)
  .max(2048)
  .regex(/^https?:\/\//, { error: "must be a URL such as https://host/path" })
  .meta({ description: "Must match the operator's allow list." });
