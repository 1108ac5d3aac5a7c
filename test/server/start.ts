import { afterEach } from "vitest";
import { metricsPage } from "../../src/exporter/metrics-page.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import { readAssets } from "../../src/server/assets.ts";
import type { ServerParts } from "../../src/server/route.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";
import type { SimulationDetail } from "../../src/server/view.ts";
import { replica, view } from "../report/views.ts";

const running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

/** A server on a free port of loopback; ends with the test. */
export const start = async (
  simulations: readonly SimulationDetail[] = [],
  over: Partial<ServerParts> = {},
): Promise<RunningServer> => {
  const series = { naming: "Prefixed", simulation: "inference/chat", scenario: "baseline", labels: {} } as const;
  const server = await startServer(
    {
      version: "0.0.0-test",
      assets: readAssets(new URL("../../dist/browser/", import.meta.url)),
      place: "a folder",
      problems: () => [],
      notReady: () => undefined,
      metrics: async (accept) => metricsPage([{ ...series, families: familiesOf(view(0, [replica()])) }], [], accept),
      simulations: () => simulations,
      simulation: (namespace, name) => simulations.find((one) => one.namespace === namespace && one.name === name),
      sweep: () => undefined,
      failed: (error) => {
        throw error;
      },
      ...over,
    },
    { host: "127.0.0.1", port: 0 },
  );
  running.push(server);
  return server;
};
