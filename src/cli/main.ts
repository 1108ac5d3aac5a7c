#!/usr/bin/env node
import { VERSION } from "../model/version.ts";
import { bundleFile, runBundle } from "../worker/compiled-bundle.ts";
import { EXIT } from "./exit.ts";

// The whole program is loaded only for what needs it.
const said = process.argv.slice(2);
if (said.length === 1 && ["-V", "--version"].includes(said[0] as string)) process.stdout.write(`${VERSION}\n`);
else {
  const helps = said.some((word) => word === "-h" || word === "--help") || !/^[a-z-]+$/.test(said[0] ?? "");
  const program = runBundle<typeof import("./program.ts")>(
    bundleFile("program", import.meta.url),
    helps ? "help" : (said[0] as string),
  );
  await program.exports.main();
  // What is no command, or failed, compiled too little to be worth keeping.
  if (process.exitCode !== EXIT.badInput && process.exitCode !== EXIT.internal) program.keep();
}
