declare const unit: unique symbol;

/** A number with its unit in the type. Costs nothing at run time. */
export type Quantity<U extends string> = number & { readonly [unit]: U };
/** An instant: whole microseconds since the world started. */
export type SimTime = Quantity<"us since start">;
/** A length of time in whole microseconds. */
export type Micros = Quantity<"us">;

/** @throws RangeError unless `value` is a whole number >= 0 that a double holds exactly. */
export const whole = <U extends string>(value: number, label: U): Quantity<U> => {
  if (Number.isSafeInteger(value) && value >= 0) return value as Quantity<U>;
  throw new RangeError(`${label} must be whole and >= 0, got ${value}`);
};

export const START = 0 as SimTime;
export const NEVER = Number.POSITIVE_INFINITY as SimTime;

/**
 * An empty list for instants. V8 takes lists and fields for small integers until they hold another number, as instants
 * do after 36 minutes (2^31 us), and then compiles anew all code that knows them: what is hot has doubles from the first.
 */
export const noInstants = (): SimTime[] => {
  const list = [NEVER];
  list.pop();
  return list;
};

export const micros = (value: number): Micros => whole(value, "us");
export const instant = (value: number): SimTime => whole(value, "us since start");
/** Rounds seconds to the nearest microsecond. */
export const seconds = (value: number): Micros => micros(Math.round(value * 1e6));
export const toSeconds = (length: Micros | SimTime): number => length / 1e6;
export const after = (from: SimTime, length: Micros): SimTime => (from + length) as SimTime;
export const elapsed = (from: SimTime, to: SimTime): Micros => micros(to - from);
