import { closeSync, createReadStream, mkdtempSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { usageError } from "./exit.ts";

/** A file that is written beside its place, so that nobody finds half of it. */
export interface FileAside {
  /** Where to write. */
  readonly path: string;
  /** Moves it to its place, or to standard output. */
  deliver(): Promise<void>;
  /** Leaves nothing behind of what was not delivered. */
  drop(): void;
}

/** @param wanted its place; `-` for standard output. @throws BadInput if nothing can be written there */
export const fileAside = (wanted: string): FileAside => {
  if (wanted === "-") {
    const folder = mkdtempSync(join(tmpdir(), "servetwin-"));
    const path = join(folder, "aside");
    return { path, deliver: () => printed(path), drop: () => rmSync(folder, { recursive: true, force: true }) };
  }
  const place = resolve(wanted);
  if (statSync(place, { throwIfNoEntry: false })?.isFile() === false)
    throw usageError(`${wanted} is not a file`, "name a file, or - for standard output");
  const path = `${place}.${process.pid}.part`;
  try {
    closeSync(openSync(path, "w"));
  } catch (error) {
    throw usageError(
      `${wanted} can't be written: ${(error as Error).message}`,
      `is there a folder ${dirname(wanted)}?`,
    );
  }
  return {
    path,
    deliver: () => Promise.resolve(renameSync(path, place)),
    drop: () => rmSync(path, { force: true }),
  };
};

const printed = async (path: string): Promise<void> => {
  for await (const chunk of createReadStream(path)) {
    if (!process.stdout.write(chunk as Uint8Array)) await new Promise((resume) => process.stdout.once("drain", resume));
  }
};
