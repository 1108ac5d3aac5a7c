import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** Shows something on what it takes for a terminal, and goes on until it is ended. */
const program = `
import { liveArea } from ${JSON.stringify(fileURLToPath(new URL("../../src/cli/live-area.ts", import.meta.url)))};
process.stderr.isTTY = true;
const area = liveArea(process.stderr, { total: 1, format: "going on" });
area.show(() => ["so far"]);
setInterval(() => {}, 1000);
`;

describe("a live area", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "gives the cursor back when %s ends the program",
    async (signal) => {
      const args = ["--import", "tsx", "--input-type=module", "-e", program];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      let text = "";
      for await (const chunk of child.stderr) {
        text += String(chunk);
        if (text.includes("so far")) child.kill(signal);
      }
      if (child.signalCode === null && child.exitCode === null) await once(child, "exit");
      expect(child.signalCode).toBe(signal);
      expect(text.indexOf(HIDE_CURSOR)).toBeGreaterThanOrEqual(0);
      expect(text.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(text.lastIndexOf("so far"));
    },
  );
});
