// Runs beside a test process and cleans up after it, also when the tests are killed with SIGKILL: its stdin closes when
// the test process is gone, and it then kills the servers and removes the folders it was told about and not told to forget.
//
//   in: one line each of  "+pid 123"  "-pid 123"  "+dir /tmp/x"  "-dir /tmp/x"
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";

const pids = new Set();
const directories = new Set();

// A Ctrl-C in the terminal reaches this process too; it must outlive the tests.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [, sign, kind, value] = /^([+-])(pid|dir) (.+)$/.exec(line) ?? [];
  if (value === undefined) continue;
  const set = kind === "pid" ? pids : directories;
  const item = kind === "pid" ? Number(value) : value;
  if (sign === "+") set.add(item);
  else set.delete(item);
}

for (const pid of pids) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // already gone
  }
}
// A killed server may still write a file while its folder is being removed: hence the retries.
for (const directory of directories)
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
