import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { plainEnv } from "./plain-env.ts";

/** When something was first to be seen, since the start of the process. */
export interface Seen {
  readonly name: string;
  readonly wallSeconds: number;
  /** Of the process and its threads by then, in hundredths. */
  readonly cpuSeconds: number;
}

const COMMAND = [process.execPath, "dist/servetwin.js"];

/**
 * Runs the built program on a terminal of 160 by 40, by script(1) of util-linux.
 * @param awaited what is waited for, in its order @throws if something doesn't come
 */
export const onTerminal = (
  args: readonly string[],
  awaited: readonly (readonly [string, RegExp])[],
): Promise<readonly Seen[]> => {
  const command = ["stty rows 40 cols 160; exec", ...COMMAND, ...args].join(" ");
  const began = performance.now();
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: plainEnv(),
  });
  let text = "";
  const seen: Seen[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    text += stripVTControlCharacters(String(chunk));
    for (let point = awaited[seen.length]; point?.[1].test(text); point = awaited[seen.length]) {
      const wallSeconds = (performance.now() - began) / 1000;
      seen.push({ name: point[0], wallSeconds, cpuSeconds: cpuSeconds(child.pid as number) });
    }
  });
  return new Promise((resolve, reject) => {
    child.on("close", () => {
      const missing = awaited[seen.length];
      if (missing === undefined) resolve(seen);
      else reject(new Error(`no ${missing[0]} came: ${text.slice(-500)}`));
    });
  });
};

/** Seconds until the first byte of what the built program answers into a pipe. @throws if it says nothing */
export const firstByteSeconds = (args: readonly string[]): Promise<number> => {
  const began = performance.now();
  const [node = "", program = ""] = COMMAND;
  const child = spawn(node, [program, ...args], { stdio: ["ignore", "pipe", "inherit"], env: plainEnv() });
  let first: number | undefined;
  child.stdout.on("data", () => {
    first ??= (performance.now() - began) / 1000;
  });
  return new Promise((resolve, reject) => {
    child.on("close", () => (first === undefined ? reject(new Error("it said nothing")) : resolve(first)));
  });
};

/** Of the process that runs on the terminal. */
const cpuSeconds = (script: number): number => {
  const [child] = readFileSync(`/proc/${script}/task/${script}/children`, "utf8").split(" ");
  const fields = readFileSync(`/proc/${child}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
