/**
 * @returns an empty list that V8 takes for one of objects from the start: `[]` is one of small integers to it until something
 * else is put in, and code that was compiled before then is given up
 */
export const noObjects = <T extends object>(): T[] => OBJECTS.slice(0, 0) as T[];

const OBJECTS: readonly object[] = [{}];
