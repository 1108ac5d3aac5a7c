import { closeSync, openSync, rmSync, writeSync } from "node:fs";

/** Characters that are held before they are written. */
const CHUNK = 65_536;

/** A file that can't be written: for the user, not a crash. */
export class UnwritableFileError extends Error {
  override readonly name = "UnwritableFileError";
}

/** A file that lines are added to, in chunks. */
export class LineFile {
  readonly #path: string;
  readonly #file: number;
  #text = "";

  /** @throws UnwritableFileError if the file can't be written; so do the others */
  constructor(path: string) {
    this.#path = path;
    this.#file = guarded(path, () => openSync(path, "w"));
  }

  /** @param text whole lines, each with its end */
  write(text: string): void {
    this.#text += text;
    if (this.#text.length > CHUNK) this.#flush();
  }

  /** Writes what is left. */
  end(): void {
    this.#flush();
    closeSync(this.#file);
  }

  /** Takes back what was written. */
  discard(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#text);
    this.#text = "";
    guarded(this.#path, () => {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written);
    });
  }
}

const guarded = <T>(path: string, act: () => T): T => {
  try {
    return act();
  } catch (error) {
    throw new UnwritableFileError(`${path} can't be written: ${(error as Error).message}`);
  }
};
