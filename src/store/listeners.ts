/** Who wants to be told. One that throws is reported as a warning of the process and keeps nobody else from hearing. */
export class Listeners<T> {
  readonly #all = new Set<(value: T) => void>();

  /** @returns stops listening */
  add(listener: (value: T) => void): () => void {
    // The same function may listen twice.
    const own = (value: T): void => listener(value);
    this.#all.add(own);
    return () => this.#all.delete(own);
  }

  tell(value: T): void {
    for (const listener of [...this.#all]) {
      try {
        listener(value);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }
}
