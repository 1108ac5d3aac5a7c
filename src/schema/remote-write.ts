import * as z from "zod";
import { durationSeconds, durationText } from "../model/duration.ts";
import { allowedUrl } from "./allowed-url.ts";
import { ruled } from "./rule.ts";

/** `spec.export.remoteWrite`. */
export const remoteWrite = z.lazy(() =>
  ruled(
    z.strictObject({
      url: allowedUrl.meta({
        description:
          "What receives, such as http://prometheus:9090/api/v1/write. Must match the operator's allow list; a token for it is the installer's to give (--prometheus-token-file).",
      }),
      interval: durationText.default("15s").meta({ description: "Between two samples of a series; 1s or more." }),
    }),
    [
      {
        message: "interval must be 1s or more",
        field: ["interval"],
        holds: ({ interval }) => durationSeconds(interval) >= 1,
      },
    ],
  ).meta({
    description:
      "Pushes the series over time to a Prometheus while the run goes on: of a Replay with the window's own timestamps, else from overrides.autoscaler.startTime on. A Shadow is scraped instead.",
  }),
);
