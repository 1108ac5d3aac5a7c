import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What a process takes, from /proc. */
export interface Usage {
  /** Resident, of the process with all its threads. */
  readonly rssMebibytes: number;
  /** Used so far, user and system. */
  readonly cpuSeconds: number;
}

const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** @returns undefined if there is no such process */
export const usageOf = (pid: number): Usage | undefined => {
  try {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    // Of one that has ended and was not yet waited for there is no memory.
    if (kibibytes === undefined) return undefined;
    // The name, in brackets, may hold blanks.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return {
      rssMebibytes: Number(kibibytes) / 1024,
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    };
  } catch {
    return undefined;
  }
};

/** What processes take, in cores, added up by looks: one that is started anew begins at nothing. */
export class CpuMeter<Name extends string> {
  readonly #pids: () => Readonly<Record<Name, number>>;
  readonly #began = performance.now();
  readonly #last = new Map<string, number>();
  readonly #used = new Map<Name, number>();

  constructor(pids: () => Readonly<Record<Name, number>>) {
    this.#pids = pids;
    this.look();
    this.#used.clear();
  }

  look(): void {
    for (const [name, pid] of Object.entries(this.#pids()) as [Name, number][]) {
      const seconds = usageOf(pid)?.cpuSeconds;
      if (seconds === undefined) continue;
      const key = `${name} ${pid}`;
      this.#used.set(name, (this.#used.get(name) ?? 0) + seconds - (this.#last.get(key) ?? 0));
      this.#last.set(key, seconds);
    }
  }

  /** Since it was made. */
  cores(): Readonly<Record<Name, number>> {
    this.look();
    const seconds = (performance.now() - this.#began) / 1000;
    const cores = [...this.#used].map(([name, used]) => [name, Number((used / seconds).toFixed(2))]);
    return Object.fromEntries(cores) as Record<Name, number>;
  }
}
