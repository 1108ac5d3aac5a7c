import { type PoolOptions, type PreviewPool, previewPool } from "../worker/pool.ts";
import { threadsFolder } from "./threads.ts";

/** Of a command, which simulates in its own thread too. @param options `early`: as of a pool */
export const commandPool = (threads: number, { early = false }: Pick<PoolOptions, "early"> = {}): PreviewPool =>
  previewPool(threadsFolder(import.meta.url), threads, { maxMebibytes: 2048, here: true, early });
