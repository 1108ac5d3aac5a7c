import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Request } from "../../../src/model/request.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { syntheticSource, syntheticWorkload } from "../../../src/workload/sources/index.ts";

// Writes chat-1h.csv beside this file: `npx tsx deploy/examples/traces/generate.ts`. The same bytes each time.

const HOUR_MICROS = 3600e6;
const SEED = 20260105;

/** Lengths have about the mean and spread of Azure's 2023 conversation trace; one request in eight carries documents. */
const workload = syntheticWorkload.parse({
  clients: [
    {
      name: "chat",
      rate: 0.65,
      arrival: { process: "gamma", cv: 1.2 },
      prompt: { distribution: "lognormal", mean: 900, deviation: 850, max: 8000 },
      output: { distribution: "lognormal", mean: 210, deviation: 190, max: 1000 },
    },
    {
      name: "documents",
      rate: 0.1,
      prompt: { distribution: "lognormal", mean: 3200, deviation: 1200, min: 500, max: 12_000 },
      output: { distribution: "lognormal", mean: 280, deviation: 160, max: 1000 },
    },
  ],
  pattern: [
    { shape: "ramp", at: "5m", duration: "20m", from: 0.7, to: 1.2 },
    { shape: "spike", at: "38m", duration: "4m", factor: 2.2 },
  ],
});

/** @returns the trace in the format of azure-2023: wall clock of a made-up morning, seven decimals */
export const chatHour = (): string => {
  const source = syntheticSource(workload, rngOf(SEED));
  const lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"];
  for (
    let drawn = source.next();
    drawn.kind === "request" && drawn.request.arrival < HOUR_MICROS;
    drawn = source.next()
  ) {
    lines.push(rowOf(drawn.request));
  }
  return `${lines.join("\n")}\n`;
};

const rowOf = ({ arrival, promptTokens, outputTokens }: Request): string => {
  const secondsInHour = Math.floor(arrival / 1e6);
  const [minute, second] = [Math.floor(secondsInHour / 60), secondsInHour % 60];
  const fraction = String(arrival % 1e6).padStart(6, "0");
  return `2026-01-05 09:${twoDigits(minute)}:${twoDigits(second)}.${fraction}0,${promptTokens},${outputTokens}`;
};

const twoDigits = (value: number): string => String(value).padStart(2, "0");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("chat-1h.csv", import.meta.url), chatHour());
}
