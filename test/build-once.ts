import { execFileSync } from "node:child_process";

/** The worker threads run compiled: Node 20 can't load a `.ts` worker. */
export default (): void => {
  execFileSync(process.execPath, ["build.mjs"], { stdio: ["ignore", "ignore", "inherit"] });
};
