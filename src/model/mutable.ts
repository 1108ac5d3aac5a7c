/** The same with fields that may be written. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };
