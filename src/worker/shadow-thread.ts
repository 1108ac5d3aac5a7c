import { parentPort, workerData } from "node:worker_threads";
import { PacedWorlds } from "./paced-worlds.ts";
import type { ShadowCommand, ShadowMessage } from "./protocol.ts";

/** How often every paced world is brought up to the wall clock. */
const TURN_EVERY_MS = 50;

const port = parentPort;
if (port === null) throw new Error("this file runs in a worker thread");
const { turn } = workerData as { turn: Int32Array };
const worlds = new PacedWorlds({
  clock: () => performance.now(),
  unixSeconds: () => Date.now() / 1000,
  tell: (message: ShadowMessage) => port.postMessage(message),
  turnOf: (number) => void Atomics.store(turn, 0, number),
});
/** A stretch at a time, so that turns and commands are not kept waiting. */
const draw = (): void => {
  if (worlds.draw()) setImmediate(draw);
};
port.on("message", (command: ShadowCommand) => {
  worlds.command(command);
  if (command.kind === "draw") draw();
});
setInterval(() => worlds.turn(), TURN_EVERY_MS);
