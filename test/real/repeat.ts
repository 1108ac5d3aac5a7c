const MOST_RUNS = 3;

/** The time-out of a test that runs so, in milliseconds. @param seconds of one run */
export const timeoutOfRuns = (seconds: number): number => MOST_RUNS * seconds * 1000;

/**
 * A run that the machine held up tells of the machine, not of the controllers: it is done again, twice at most.
 *
 * @param heldUp what held it up; undefined: nothing did
 * @returns what the last run gave, whatever held that one up
 */
export const undisturbed = async <T>(
  run: () => Promise<T>,
  heldUp: (given: T) => Promise<string | undefined>,
): Promise<T> => {
  for (let runs = 1; ; runs += 1) {
    const given = await run();
    const held = await heldUp(given);
    if (held === undefined || runs === MOST_RUNS) return given;
    console.info(`run ${runs} was held up: ${held}`);
  }
};
