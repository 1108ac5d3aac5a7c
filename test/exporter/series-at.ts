import { expose } from "../../src/exporter/exposition.ts";
import { simulatedFamilies } from "../../src/exporter/simulated.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import type { RecordedSeriesSaid } from "../../src/worker/protocol.ts";
import type { Prometheus } from "../env/prometheus.ts";
import { parse } from "./parse.ts";

/** Values by name and labels. */
export type Series = ReadonlyMap<string, number>;

const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
  `${name}${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

/** What the exporter says of a scenario's world at some seconds of it, each from a run of its own. */
export const exportedAt = async (scenario: Scenario, said: RecordedSeriesSaid, seconds: number): Promise<Series> => {
  const world = new World(scenario);
  const at = (seconds * 1e6) as SimTime;
  world.runUntil(at);
  const families = familiesOf(world.view(at), said.startUnixSeconds);
  const { naming, labels } = said;
  const marked = simulatedFamilies([
    { naming, labels, simulation: scenario.simulation, scenario: scenario.name, families },
  ]);
  let text = "";
  for await (const chunk of expose(marked, "text")) text += chunk;
  const samples = parse(text, "text").flatMap((family) => family.samples);
  // To Prometheus a label without a value is none.
  return new Map(samples.map(({ name, labels: own, value }) => [keyOf(name, withoutEmpty(own)), value]));
};

const withoutEmpty = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));

/** What Prometheus has of simulations at a Unix second. @param matcher left out: of all */
export const servedAt = async (
  prometheus: Prometheus,
  unixSeconds: number,
  matcher = 'simulation!=""',
): Promise<Series> => {
  const found = await prometheus.query(`{origin="simulated",${matcher}}`, unixSeconds);
  return new Map(found.map(({ metric: { __name__ = "", ...labels }, value }) => [keyOf(__name__, labels), value]));
};
