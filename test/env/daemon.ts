/** Starting, watching and stopping the real servers (etcd, kube-apiserver, ...) that the tests run against. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface Daemon {
  readonly name: string;
  readonly pid: number;
  readonly running: boolean;
  /** The last lines of what it printed. */
  log(lines?: number): string;
  /** Polls `check` until it is true; throws, with the last log lines, if the process ends or the time is up. */
  ready(check: () => Promise<boolean>, withinSeconds: number): Promise<void>;
  /** SIGTERM, then SIGKILL if it is still there after `graceSeconds`. */
  stop(graceSeconds?: number): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** @param environment variables on top of this process's own */
export function startDaemon(
  name: string,
  binary: string,
  args: string[],
  directory: string,
  environment: NodeJS.ProcessEnv = {},
): Daemon {
  const logPath = join(directory, `${name}.log`);
  // The log goes straight to a file: a pipe would block the server when the test's event loop is busy.
  const fd = openSync(logPath, "a");
  let child: ChildProcess;
  try {
    child = spawn(binary, args, {
      cwd: directory,
      env: { ...process.env, ...environment },
      stdio: ["ignore", fd, fd],
    });
  } finally {
    closeSync(fd);
  }
  let spawnError: Error | undefined;
  const exit = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      spawnError = error;
      resolve();
    });
  });
  const pid = child.pid;
  if (pid !== undefined) {
    tellWatchdog(`+pid ${pid}`);
    void exit.then(() => tellWatchdog(`-pid ${pid}`));
  }
  child.unref(); // a test that forgets stop() can still end; the watchdog then cleans up
  const isRunning = () => pid !== undefined && child.exitCode === null && child.signalCode === null;

  const log = (lines = 20) => {
    try {
      return readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
    } catch {
      return "(no log)";
    }
  };

  const end = async (signal: NodeJS.Signals) => {
    if (!isRunning()) return;
    child.ref();
    child.kill(signal);
    await exit;
  };

  return {
    name,
    pid: pid ?? -1,
    get running() {
      return isRunning();
    },
    log,
    async ready(check, withinSeconds) {
      const deadline = Date.now() + withinSeconds * 1000;
      for (;;) {
        if (spawnError) throw new Error(`${name} could not be started: ${spawnError.message}`);
        if (!isRunning()) {
          const how = child.signalCode ?? `code ${child.exitCode}`;
          throw new Error(`${name} ended (${how}) before it was ready. Its last log lines:\n${log()}`);
        }
        // A server that hangs must not hang the test: each look has a limit of its own.
        const isReady = check().catch(() => false);
        if (await Promise.race([isReady, sleep(3000, false, { ref: false })])) return;
        if (Date.now() > deadline) {
          throw new Error(
            `${name} was not ready after ${withinSeconds} s (a slow or busy machine may need a higher ` +
              `readyWithinSeconds). Its last log lines:\n${log()}`,
          );
        }
        await sleep(50);
      }
    },
    async stop(graceSeconds = 10) {
      const timer = setTimeout(() => child.kill("SIGKILL"), graceSeconds * 1000);
      await end("SIGTERM");
      clearTimeout(timer);
    },
    kill: () => end("SIGKILL"),
  };
}

/** A temporary folder that is gone at the latest when this process is. */
export function temporaryDirectory(purpose: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `servetwin-${purpose}-`));
  tellWatchdog(`+dir ${path}`);
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      tellWatchdog(`-dir ${path}`);
    },
  };
}

/**
 * Free loopback ports, from below the range that systems hand out for outgoing connections, so that a server can be
 * stopped and started again on its port without something else taking it meanwhile.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count; attempt++) {
    if (attempt > 200) throw new Error("found no free loopback port between 20000 and 32000");
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    const listening = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!listening) continue;
    server.close();
    await once(server, "close");
    ports.add(port);
  }
  return [...ports];
}

/** Another process may take a port between `freePorts` and the server's bind: then start once more, on other ports. */
export async function retryOnPortClash<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

let watchdog: ChildProcess | undefined;

function tellWatchdog(line: string): void {
  if (!watchdog) {
    const script = fileURLToPath(new URL("watchdog.mjs", import.meta.url));
    watchdog = spawn(process.execPath, [script], { stdio: ["pipe", "ignore", "inherit"] });
    watchdog.unref();
    watchdog.stdin?.on("error", () => {}); // it was killed: nothing to do about it here
    (watchdog.stdin as { unref?: () => void } | null)?.unref?.();
  }
  watchdog.stdin?.write(`${line}\n`);
}
