import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { threadId } from "node:worker_threads";
import { crc32 } from "node:zlib";

/** File names of the bundles, which `build.mjs` says: beside those that run them, in a folder of their own. */
declare const BUNDLES: Readonly<Record<"program" | "preview-thread", string>>;

/** Where a bundle is. @param here URL of the file that runs it */
export const bundleFile = (name: keyof typeof BUNDLES, here: string): string =>
  fileURLToPath(new URL(`bundles/${BUNDLES[name]}`, here));

/** A bundle that runs. */
export interface Running<Exports> {
  readonly exports: Exports;
  /** Keeps what was compiled so far for the next start, unless this one began with such; call it when its work is done. */
  keep(): void;
}

/**
 * Runs a bundle that `build.mjs` made, with what an earlier start compiled where that was kept: compiling takes longer than
 * most of what a short command does. It is kept beside the bundle, or in the user's cache folder where nobody may write
 * there; where neither can be written, each start compiles.
 * @param file a function expression in ASCII, with a digest of its content in its name: V8 compares no more than lengths
 * @param use a file name: what it is run for, since what that needs is kept for it
 */
export const runBundle = <Exports>(file: string, use: string): Running<Exports> => {
  // As Latin-1: a byte per character, and nothing to decode.
  const source = readFileSync(file, "latin1");
  const name = `${use}.code`;
  const key = `${basename(file)} ${process.version} ${process.arch}`;
  const code = firstOf(PLACES, (place) => readCode(join(place(file), name), key));
  const script = new Script(source, { filename: file, ...(code === undefined ? {} : { cachedData: code }) });
  const module: { exports: unknown } = { exports: {} };
  script.runInThisContext()(module, createRequire(file), pathToFileURL(file).href);
  // V8 refuses what was compiled under other flags.
  let wanted = code === undefined || script.cachedDataRejected === true;
  const keep = (): void => {
    if (!wanted) return;
    wanted = false;
    const compiled = script.createCachedData();
    firstOf(PLACES, (place) => writeCode(join(place(file), name), key, compiled));
  };
  return { exports: module.exports as Exports, keep };
};

/** Folders for compiled code, the best first: who may write to that may change the program as well. */
const PLACES: readonly ((file: string) => string)[] = [dirname, () => folderOfUser()];

/** @throws unless it is the user's own: whoever writes there says what is run, by root too */
const folderOfUser = (): string => {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "servetwin");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.getuid !== undefined && statSync(folder).uid !== process.getuid())
    throw new Error(`${folder} is somebody else's`);
  return folder;
};

/** What comes of the first that works; nothing but time is lost where none does. */
const firstOf = <From, To>(all: readonly From[], of: (one: From) => To): To | undefined => {
  for (const one of all) {
    try {
      return of(one);
    } catch {
      // The next may do.
    }
  }
  return undefined;
};

/** At the end of a file, of the key and all before: V8 would run what is damaged, or comes from another bundle as long. */
const CHECKSUM_BYTES = 4;

const checksumOf = (code: Uint8Array, key: string): number => crc32(code, crc32(key));

/** @throws unless it is there, whole, and of that key */
const readCode = (path: string, key: string): Buffer => {
  const kept = readFileSync(path);
  const code = kept.subarray(0, -CHECKSUM_BYTES);
  if (kept.readUInt32LE(code.length) !== checksumOf(code, key)) throw new Error(`${path} is not of ${key}`);
  return code;
};

/** Whole or not at all: others may read it meanwhile. */
const writeCode = (path: string, key: string, code: Buffer): void => {
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(checksumOf(code, key));
  const aside = `${path}.${process.pid}-${threadId}`;
  writeFileSync(aside, Buffer.concat([code, checksum]));
  renameSync(aside, path);
};
