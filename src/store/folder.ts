import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Problem } from "../model/problem.ts";
import { type Scan, type ScannedFile, scanFolder } from "./folder-scan.ts";
import { FolderWatch } from "./folder-watch.ts";
import { GRACE_MS, type KeptFile, settle } from "./kept-file.ts";
import { Listeners } from "./listeners.ts";
import { ManifestObjects } from "./manifest-objects.ts";
import { MAX_FILE_BYTES, type Manifests, malformed, readManifests, tooLarge } from "./read-manifests.ts";
import {
  type ObjectEvent,
  type ObjectRef,
  type Store,
  type StoredObject,
  StoreError,
  type WatchedKind,
} from "./store.ts";

export interface FolderOptions {
  readonly folder: string;
  readonly kinds: readonly WatchedKind[];
  /** Hears of events; there is no API that would keep them. */
  readonly told?: (ref: ObjectRef, event: ObjectEvent) => void;
}

/**
 * A folder of manifests, with those below it, watched. What an editor has half written is left alone for a second; a file
 * that can't be read is a problem and its last good objects stay; a file that is gone takes its objects along.
 * `start` throws a StoreError if the folder can't be read.
 */
export const folderStore = (options: FolderOptions): Store => new FolderStore(options);

/** Of what was written so lately the system's clock may show the next write the same time. */
const RACY_MS = 1000;

class FolderStore implements Store {
  readonly place: string;
  readonly folder: string;
  readonly #root: string;
  readonly #options: FolderOptions;
  readonly #objects: ManifestObjects;
  readonly #changes = new Listeners<ObjectRef>();
  readonly #problemChanges = new Listeners<void>();
  #files = new Map<string, KeptFile>();
  #problems: readonly Problem[] = [];
  #synced = false;
  #watch: FolderWatch | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(options: FolderOptions) {
    this.#options = options;
    this.place = options.folder;
    this.folder = options.folder;
    this.#root = resolve(options.folder);
    this.#objects = new ManifestObjects(options.kinds);
  }

  get synced(): boolean {
    return this.#synced;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  async start(signal: AbortSignal): Promise<void> {
    const watch = new FolderWatch(() => void this.#lookSoon());
    const scan = await scanFolder(this.#root).catch((error: Error) => {
      watch.close();
      throw new StoreError("refused", `the folder ${this.folder} can't be read: ${error.message}`);
    });
    // Watched before it is read, so that no change falls in between.
    watch.set(scan.folders);
    signal.addEventListener("abort", () => watch.close(), { once: true });
    if (signal.aborted) watch.close();
    this.#watch = watch;
    await this.#lookSoon();
  }

  get(ref: ObjectRef): StoredObject | undefined {
    return this.#objects.get(ref);
  }

  list(kind: string, namespace?: string): readonly StoredObject[] {
    return this.#objects.list(kind, namespace);
  }

  onChange(listener: (ref: ObjectRef) => void): () => void {
    return this.#changes.add(listener);
  }

  onProblems(listener: () => void): () => void {
    return this.#problemChanges.add(listener);
  }

  async writeStatus(ref: ObjectRef, status: unknown): Promise<void> {
    this.#objects.setStatus(ref, status);
    this.#changes.tell(ref);
  }

  async event(ref: ObjectRef, event: ObjectEvent): Promise<void> {
    this.#options.told?.(ref, event);
  }

  async configMapKey(namespace: string, name: string, key: string): Promise<Uint8Array | undefined> {
    return this.#objects.configMapKey(namespace, name, key);
  }

  /** One look at a time; one that is asked for meanwhile follows. */
  #lookSoon(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (!this.#lookAgain) return;
      this.#lookAgain = false;
      void this.#lookSoon();
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    let scan: Scan;
    try {
      scan = await scanFolder(this.#root);
    } catch (error) {
      const message = `can't be read: ${(error as Error).message}; what was read before still counts`;
      this.#tell([], [{ severity: "error", reason: "FolderUnreadable", file: this.folder, message }]);
      return;
    }
    this.#watch?.set(scan.folders);
    const files = new Map(
      [...this.#files].filter(([file]) => scan.unread.some((below) => file.startsWith(`${below}/`))),
    );
    for (const found of scan.files) {
      const kept = await this.#read(found);
      if (kept !== undefined) files.set(found.file, kept);
    }
    this.#files = files;
    const shown = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { shown }]) => shown);
    const changed = this.#objects.replace(shown);
    this.#synced = true;
    this.#tell(changed, [...scan.problems, ...this.#objects.problems]);
    if ([...files.values()].some(({ doubtSince }) => doubtSince !== undefined && Date.now() - doubtSince < GRACE_MS)) {
      this.#watch?.again(GRACE_MS / 4);
    } else if (scan.files.some(isRacy)) this.#watch?.again(RACY_MS);
  }

  /** @returns undefined if it is gone by now */
  async #read(found: ScannedFile): Promise<KeptFile | undefined> {
    const before = this.#files.get(found.file);
    const isSame = before?.stamp === found.stamp;
    if (isSame && before.doubtSince === undefined && !isRacy(found)) return before;
    const text =
      found.size > MAX_FILE_BYTES
        ? malformed(tooLarge(found.file))
        : await textOf(join(this.#root, found.file), found.file);
    if (text === undefined) return undefined;
    const nowMs = Date.now();
    const isText = typeof text === "string";
    if (isText && isSame && before.doubtSince === undefined && before.text === text) return before;
    return settle(before, {
      stamp: found.stamp,
      text: isText ? text : "",
      read: isText ? readManifests(text, found.file, this.#options.kinds) : text,
      nowMs,
      patient: this.#synced,
    });
  }

  #tell(changed: readonly ObjectRef[], problems: readonly Problem[]): void {
    const same = isDeepStrictEqual(problems, this.#problems);
    if (!same) this.#problems = problems;
    for (const ref of changed) this.#changes.tell(ref);
    if (!same) this.#problemChanges.tell();
  }
}

const isRacy = ({ mtimeMs }: ScannedFile): boolean => Math.abs(Date.now() - mtimeMs) < RACY_MS;

/** @returns undefined if the file is gone, a problem if it can't be read */
const textOf = async (path: string, file: string): Promise<string | Manifests | undefined> => {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    return malformed({ severity: "error", reason: "FileUnreadable", file, message: `can't be read: ${message}` });
  }
  try {
    const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8", { fatal: true }).decode(bytes);
  } catch {
    return malformed({
      severity: "error",
      reason: "NotUtf8",
      file,
      message: "is not text in UTF-8",
      fix: "save it as UTF-8",
    });
  }
};
