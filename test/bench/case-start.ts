import { runBundle } from "../../src/worker/compiled-bundle.ts";

/** One case from its bundle, in a process of its own, as the program runs: prints its figures as JSON. Arguments: bundle and case. */
const [, , file = "", name = ""] = process.argv;
const { exports, keep } = runBundle<typeof import("./case.ts")>(file, "case");
process.stdout.write(JSON.stringify(exports.runCase(name)));
keep();
