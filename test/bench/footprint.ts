import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, up } from "../e2e/program.ts";

/**
 * What the operator needs: memory (most of the resident set) and CPU of the program on the quickstart's platform, with the
 * Deployment's arguments. `npm run bench:footprint`.
 */
const SECONDS = Number(process.env.SECONDS ?? 60);
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const platform = ["vllm-llama-8b", "hpa"].map((name) => read(`deploy/examples/quickstart/${name}.yaml`)).join("---\n");
const [preview, shadow] = read("deploy/examples/quickstart/simulations.yaml").split("---\n") as [string, string];

/** Manifests of `count` simulations, all on the one platform. */
const many = (manifest: string, count: number): string =>
  Array.from({ length: count }, (_, i) => manifest.replace(/(name: chat-\w+)/, `$1-${i}`)).join("---\n");

interface Case {
  readonly name: string;
  readonly manifests: string;
  /** Measured until they are done; left out: for as long as SECONDS says. */
  readonly previews?: number;
}

const CASES: readonly Case[] = [
  { name: "nothing to simulate", manifests: platform },
  { name: "a Preview of two hours", manifests: `${platform}---\n${many(preview, 1)}`, previews: 1 },
  { name: "eight such Previews", manifests: `${platform}---\n${many(preview, 8)}`, previews: 8 },
  { name: "a Shadow", manifests: `${platform}---\n${many(shadow, 1)}` },
  { name: "fifty Shadows", manifests: `${platform}---\n${many(shadow, 50)}` },
];

/** The kernel's account of a process: peak of the resident set in MiB, seconds of CPU. */
const used = (pid: number): { mebibytes: number; seconds: number } => {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  // utime and stime, in ticks of 10 ms.
  return { mebibytes: Number(peak) / 1024, seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
};

const allDone = async (url: string, count: number): Promise<boolean> => {
  const { simulations } = (await (await fetch(`${url}/api/v1/simulations`)).json()) as {
    simulations: { phase: string }[];
  };
  return simulations.filter(({ phase }) => phase === "Succeeded").length === count;
};

console.log("| load | memory, peak | CPU |\n|---|---|---|");
for (const { name, manifests, previews } of CASES) {
  const folder = mkdtempSync(join(tmpdir(), "servetwin-footprint-"));
  try {
    writeFileSync(join(folder, "all.yaml"), manifests);
    const program = await up([folder, "--threads=2", "--max-run-memory=640", "--max-shadow-memory=384"]);
    // What starting takes is not counted.
    const before = used(program.pid).seconds;
    const began = performance.now();
    if (previews === undefined) await sleep(SECONDS * 1000);
    else await eventually(() => allDone(program.url, previews), { withinSeconds: 1800, what: "end of the previews" });
    const { mebibytes, seconds } = used(program.pid);
    const millicores = ((seconds - before) / (performance.now() - began)) * 1e6;
    await program.stop();
    const cpu =
      previews === undefined ? `${Math.round(millicores)}m` : `${((seconds - before) / previews).toFixed(1)} s each`;
    console.log(`| ${name} | ${Math.round(mebibytes)} MiB | ${cpu} |`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
