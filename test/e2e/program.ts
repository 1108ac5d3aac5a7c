import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The program as a user runs it: the bundle, in a process of its own. */
export interface Program {
  readonly pid: number;
  /** What `up` prints when it is ready. */
  readonly url: string;
  output(): string;
  /** @returns the exit code */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

export const BUNDLE = fileURLToPath(new URL("../../dist/servetwin.js", import.meta.url));

/** What a program is started with beside its arguments. */
export interface Surroundings {
  /** For Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `servetwin up …` and waits for its address. @throws with its output if it ends before */
export const up = async (
  args: readonly string[],
  withinSeconds = 30,
  { nodeArgs = [], env = {} }: Surroundings = {},
): Promise<Program> => {
  const child = spawn(process.execPath, [...nodeArgs, BUNDLE, "up", "--listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let output = "";
  child.stdout.on("data", (text: Buffer) => (output += text.toString()));
  child.stderr.on("data", (text: Buffer) => (output += text.toString()));
  const url = await eventually(
    async () => {
      if (child.exitCode !== null) throw new Fatal(`up ended with ${child.exitCode}:\n${output}`);
      return /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
    },
    { withinSeconds, what: "the address that up prints", detail: () => output },
  );
  return { pid: child.pid as number, url, output: () => output, stop: (signal = "SIGTERM") => end(child, signal) };
};

const end = async (child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<number | null> => {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
  return child.exitCode;
};

class Fatal extends Error {}

/** Asks again and again until the answer is neither undefined nor false. @throws with `what` when time is up */
export const eventually = async <T>(
  ask: () => Promise<T | undefined | false>,
  { withinSeconds = 30, what, detail }: { withinSeconds?: number; what: string; detail?: () => string },
): Promise<T> => {
  const until = Date.now() + withinSeconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      if (error instanceof Fatal) throw error;
      last = error;
    }
    if (Date.now() > until) {
      throw new Error(
        `no ${what} within ${withinSeconds} s${last === undefined ? "" : `; last: ${String(last)}`}${detail === undefined ? "" : `\n${detail()}`}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Runs the program to its end. */
export const runProgram = async (
  args: readonly string[],
  input?: string,
  cwd?: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> => {
  const child = spawn(process.execPath, [BUNDLE, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  child.stdin.end(input ?? "");
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
};
