import { START } from "../sim/time.ts";
import type { MonitoringServer } from "./monitoring-server.ts";

/** The queries that `use` asks, without doubles: of a server that answers each with nothing. */
export const recordedQueries = (use: (monitoring: MonitoringServer, now: typeof START) => void): readonly string[] => {
  const asked = new Set<string>();
  use(
    {
      query: (text) => {
        asked.add(text);
        return { ok: true, type: "vector", elements: [] };
      },
      series: (selectors) => {
        for (const selector of selectors) asked.add(selector);
        return { ok: true, series: [] };
      },
    },
    START,
  );
  return [...asked];
};
