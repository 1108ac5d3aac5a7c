import { type FSWatcher, watch } from "node:fs";

/** A change is looked at when nothing more has come for so long, */
const QUIET_MS = 100;
/** but after so long in any case. */
const PATIENCE_MS = 1000;
/** Network and container mounts tell nothing of changes from outside. */
const POLL_MS = 5000;

/** Says when something may have changed in folders: by the system's notices, and every 5 s in case they failed to come. */
export class FolderWatch {
  readonly #look: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #quiet: NodeJS.Timeout | undefined;
  #later: NodeJS.Timeout | undefined;
  #since: number | undefined;

  constructor(look: () => void) {
    this.#look = look;
    this.#poll = setInterval(() => this.#fire(), POLL_MS);
  }

  /** Watches these folders, each without those below it, and no others. */
  set(folders: readonly string[]): void {
    const wanted = new Set(folders);
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) {
      if (!this.#watchers.has(folder)) this.#open(folder);
    }
  }

  /** Asks for a look so many milliseconds from now, instead of what was asked before. */
  again(inMs: number): void {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#fire(), inMs);
  }

  close(): void {
    this.set([]);
    clearInterval(this.#poll);
    clearTimeout(this.#quiet);
    clearTimeout(this.#later);
  }

  #open(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#noticed());
      // Out of inotify watches, or the folder is gone: the poll sees what happens.
      watcher.on("error", () => this.#forget(folder, watcher));
      this.#watchers.set(folder, watcher);
    } catch {
      // The same; the next look tries again.
    }
  }

  #forget(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#watchers.get(folder) === watcher) this.#watchers.delete(folder);
  }

  #noticed(): void {
    const now = performance.now();
    this.#since ??= now;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#fire(), Math.min(QUIET_MS, Math.max(0, this.#since + PATIENCE_MS - now)));
  }

  #fire(): void {
    clearTimeout(this.#quiet);
    this.#since = undefined;
    this.#look();
  }
}
