import { type PreviewPool, previewPool } from "../worker/pool.ts";
import { threadsFolder } from "./threads.ts";

/** Of a command, which simulates in its own thread too. */
export const commandPool = (threads: number): PreviewPool =>
  previewPool(threadsFolder(import.meta.url), threads, { maxMebibytes: 2048, here: true });
