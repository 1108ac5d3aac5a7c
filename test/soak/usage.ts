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
