import { parentPort } from "node:worker_threads";
import { PacedWorlds } from "./paced-worlds.ts";
import type { ShadowCommand, ShadowMessage } from "./protocol.ts";

/** How often every paced world is brought up to the wall clock. */
const TURN_EVERY_MS = 50;

const port = parentPort;
if (port === null) throw new Error("this file runs in a worker thread");
const worlds = new PacedWorlds(
  () => performance.now(),
  () => Date.now() / 1000,
  (message: ShadowMessage) => port.postMessage(message),
);
port.on("message", (command: ShadowCommand) => worlds.command(command));
setInterval(() => worlds.turn(), TURN_EVERY_MS);
