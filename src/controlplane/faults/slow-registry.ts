import * as z from "zod";
import { fault, window, windowOf } from "./fault.ts";

/** The image registry is slow: pulls that begin meanwhile take a multiple of their time. */
export const slowRegistry = fault({
  name: "slow-registry",
  summary: "pulling an image takes several times as long",
  params: () =>
    z.object({
      ...window,
      factor: z.number().min(1).max(1000).meta({ description: "Times that a pull takes longer." }),
    }),
  create: ({ factor, ...said }) => ({ ...windowOf(said), imagePullFactor: factor }),
});
