import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Kpis, Report } from "../../src/report/report.ts";
import { runProgram } from "./program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What `servetwin run` finds of examples, by `namespace/name scenario`. */
export const reportsOf = async (...args: readonly string[]): Promise<Readonly<Record<string, Report>>> => {
  const { code, stdout, stderr } = await runProgram(["run", "--no-bands", ...args, "-o", "json"], undefined, root);
  expect([code, stderr]).toEqual([0, ""]);
  const { simulations } = JSON.parse(stdout) as { simulations: { simulation: string; runs: Report[] }[] };
  return Object.fromEntries(
    simulations.flatMap(({ simulation, runs: [report] }) =>
      report === undefined ? [] : [[`${simulation} ${report.scenario}`, report]],
    ),
  );
};

export const kpisOf = (reports: Readonly<Record<string, Report>>, name: string): Kpis => {
  const report = reports[name];
  if (report === undefined) throw new Error(`${name} is none of ${Object.keys(reports).join(", ")}`);
  return report.kpis;
};
