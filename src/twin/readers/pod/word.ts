/** A piece of a word, and the field of the container in which it was written. */
export interface Part {
  readonly text: string;
  readonly field: string;
}

/** One argument of a command, that still knows where each of its letters was written. */
export class Word {
  readonly parts: readonly Part[];
  /** Variables in it whose value nobody knows; they are left as they were written. */
  readonly unresolved: readonly string[];
  /** The field of the argument it stands in. */
  readonly home: string;

  constructor(home: string, parts: readonly Part[], unresolved: readonly string[] = []) {
    this.home = home;
    this.parts = parts.filter(({ text }) => text !== "");
    this.unresolved = unresolved;
  }

  static of(text: string, field: string): Word {
    return new Word(field, [{ text, field }]);
  }

  /** Of its text. */
  get length(): number {
    return this.parts.reduce((sum, { text }) => sum + text.length, 0);
  }

  get text(): string {
    return this.parts.map(({ text }) => text).join("");
  }

  /** The field that the whole word was written in; its argument's where there are several. */
  get field(): string {
    const [first, ...rest] = this.parts;
    return first !== undefined && rest.every(({ field }) => field === first.field) ? first.field : this.home;
  }

  /** Field of the letter at `index`. */
  fieldAt(index: number): string {
    let end = 0;
    for (const { text, field } of this.parts) {
      end += text.length;
      if (index < end) return field;
    }
    return this.home;
  }

  /** The rest of the word from the letter at `index` on. */
  from(index: number): Word {
    let skip = index;
    const parts = this.parts.map(({ text, field }) => {
      const cut = Math.min(skip, text.length);
      skip -= cut;
      return { text: text.slice(cut), field };
    });
    const rest = new Word(this.home, parts);
    return new Word(
      this.home,
      parts,
      this.unresolved.filter((name) => rest.text.includes(name)),
    );
  }
}
