/** Servetwin as a library: the same pure simulation that command line and operator run. */

export type { Fact } from "./model/fact.ts";
export type { Result } from "./model/problem.ts";
export { VERSION } from "./model/version.ts";
export type { Kpis, Report, Timeline } from "./report/report.ts";
export { parseSimulation } from "./schema/parse.ts";
export type { InferenceSimulation } from "./schema/resource.ts";
export { mirror } from "./twin/mirror.ts";
export type { Scenario } from "./twin/scenario.ts";
export { World } from "./twin/world.ts";
