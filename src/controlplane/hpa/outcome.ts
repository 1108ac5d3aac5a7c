/** What a computation came to, or in words why it came to nothing: a metric that fails is an ordinary thing for an HPA. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: string };

export const found = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const failed = (failure: string): Outcome<never> => ({ ok: false, failure });
