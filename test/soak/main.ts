import { parseArgs } from "node:util";
import { type SoakOptions, soak } from "./soak.ts";

/** `npm run soak`: the whole of it. `npm run soak -- --churnSeconds 60 --kills 5` and so on: less. */
const whole: Omit<SoakOptions, "say"> = {
  simulations: 500,
  shadows: 50,
  objects: 2000,
  namespaces: 10,
  changesPerSecond: 50,
  churnSeconds: 300,
  apiServerRestarts: 10,
  etcdPauseSeconds: 30,
  kills: 20,
  clockJumps: 2,
  seed: 1,
};
const { values } = parseArgs({
  options: Object.fromEntries(Object.keys(whole).map((name) => [name, { type: "string" as const }])),
});
const said = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
const result = await soak({ ...whole, ...said, say: (line) => console.error(line) });
console.log(JSON.stringify(result, undefined, 2));
const isWell = result.regressions.length === 0 && result.unsettled.length === 0;
process.exitCode = isWell ? 0 : 1;
