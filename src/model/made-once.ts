/** What is made when somebody asks for it first: most programs ask for few of such things, and each would begin later. */
export const madeOnce = <T extends object>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
