const TOKEN = /\s*(\d+|\$?\{?[A-Za-z_][A-Za-z0-9_]*\}?|[-+*/%()])/y;

/**
 * What is between `$((` and `))`: whole numbers, variables, `+ - * / %`, signs and brackets.
 *
 * @param lookUp the text of a variable
 * @returns undefined where a variable isn't known, or it is anything else
 * Source: POSIX.1-2017, Shell Command Language, 2.6.4.
 */
export const arithmeticOf = (text: string, lookUp: (name: string) => string | undefined): number | undefined => {
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  const reader = new ArithmeticReader(tokens, lookUp);
  const value = reader.sum();
  return reader.ended && Number.isSafeInteger(value) ? value : undefined;
};

const tokensOf = (text: string): readonly string[] | undefined => {
  const tokens: string[] = [];
  const trimmed = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const token = TOKEN.exec(trimmed)?.[1];
    if (token === undefined || tokens.length >= MOST_TOKENS) return undefined;
    tokens.push(token);
  }
  return tokens;
};

const MOST_TOKENS = 200;

/** Anything that can't be known or read is NaN. */
class ArithmeticReader {
  readonly #tokens: readonly string[];
  readonly #lookUp: (name: string) => string | undefined;
  #at = 0;

  constructor(tokens: readonly string[], lookUp: (name: string) => string | undefined) {
    this.#tokens = tokens;
    this.#lookUp = lookUp;
  }

  get ended(): boolean {
    return this.#at === this.#tokens.length;
  }

  sum(): number {
    let value = this.#product();
    for (let sign = this.#take("+", "-"); sign !== undefined; sign = this.#take("+", "-")) {
      value += sign === "+" ? this.#product() : -this.#product();
    }
    return value;
  }

  #product(): number {
    let value = this.#factor();
    for (let sign = this.#take("*", "/", "%"); sign !== undefined; sign = this.#take("*", "/", "%")) {
      const by = this.#factor();
      value = sign === "*" ? value * by : sign === "/" ? Math.trunc(value / by) : value % by;
    }
    return value;
  }

  #factor(): number {
    const sign = this.#take("+", "-", "(");
    if (sign === "(") {
      const value = this.sum();
      return this.#take(")") === undefined ? Number.NaN : value;
    }
    if (sign !== undefined) return sign === "-" ? -this.#factor() : this.#factor();
    const token = this.#tokens[this.#at] ?? "";
    this.#at += 1;
    const text = /^\d/.test(token) ? token : this.#lookUp(token.replaceAll(/[${}]/g, ""))?.trim();
    return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  }

  #take(...tokens: readonly string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || !tokens.includes(token)) return undefined;
    this.#at += 1;
    return token;
  }
}
