import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../model/problem.ts";

export interface ScannedFile {
  /** Below the folder, with slashes. */
  readonly file: string;
  readonly size: number;
  readonly mtimeMs: number;
  /** Changes whenever the file was written or replaced. */
  readonly stamp: string;
}

export interface Scan {
  /** In the order of their names, so that every machine sees the same. */
  readonly files: readonly ScannedFile[];
  /** The folder itself and those below it, absolute. */
  readonly folders: readonly string[];
  /** Folders that could not be read, relative; what was known of them still holds. */
  readonly unread: readonly string[];
  readonly problems: readonly Problem[];
}

const MANIFEST = /\.(?:ya?ml|json)$/i;
const MAX_FILES = 10_000;
const MAX_DEPTH = 16;

/**
 * Finds the manifests in a folder and those below it: `*.yaml`, `*.yml`, `*.json`, but nothing that begins with a dot, and
 * no `node_modules`. Links to files are followed (mounted ConfigMaps are such), links to folders are not.
 * @throws as `readdir` if the folder itself can't be read
 */
export const scanFolder = async (root: string): Promise<Scan> => {
  const files: ScannedFile[] = [];
  const folders: string[] = [];
  const unread: string[] = [];
  const problems: Problem[] = [];
  const waiting = [""];
  for (let below = waiting.shift(); below !== undefined; below = waiting.shift()) {
    const found = await look(root, below).catch((error: NodeJS.ErrnoException) => {
      if (below === "") throw error;
      // Gone since its parent was read: then so are its files.
      if (error.code !== "ENOENT") {
        unread.push(below);
        problems.push({
          severity: "error",
          reason: "FolderUnreadable",
          file: below,
          message: `can't be read: ${error.message}`,
        });
      }
      return undefined;
    });
    if (found === undefined) continue;
    folders.push(join(root, below));
    files.push(...found.files);
    if (below.split("/").length < MAX_DEPTH) waiting.push(...found.folders);
    if (files.length > MAX_FILES) {
      problems.push({
        severity: "error",
        reason: "TooManyFiles",
        message: `${root} holds more than ${MAX_FILES} manifests; the rest is passed over`,
        fix: "name a folder that holds manifests only",
      });
      break;
    }
  }
  files.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { files: files.slice(0, MAX_FILES), folders, unread, problems };
};

const look = async (root: string, below: string): Promise<{ files: ScannedFile[]; folders: string[] }> => {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  const files: ScannedFile[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) folders.push(path);
    else if (MANIFEST.test(entry.name)) files.push(...(await fileAt(root, path)));
  }
  return { files, folders };
};

/** Nothing if it is gone by now, a link that leads nowhere, or no file. */
const fileAt = async (root: string, file: string): Promise<ScannedFile[]> => {
  const facts = await stat(join(root, file)).catch(() => undefined);
  if (facts?.isFile() !== true) return [];
  const { size, mtimeMs, ctimeMs, ino } = facts;
  return [{ file, size, mtimeMs, stamp: `${ino} ${size} ${mtimeMs} ${ctimeMs}` }];
};
