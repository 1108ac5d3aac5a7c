const NEWEST = { major: 0, minor: 32 };

const parse = (version: string | undefined): { major: number; minor: number } => {
  const match = /^v?(\d+)\.(\d+)/.exec(version ?? "");
  return match === null ? NEWEST : { major: Number(match[1]), minor: Number(match[2]) };
};

/** Whether a version as an image tag has it is 0.`minor` or later. Without a number ("latest"): the newest known. */
export const atLeast = (version: string | undefined, minor: number): boolean => {
  const parsed = parse(version);
  return parsed.major > 0 || parsed.minor >= minor;
};

/** Whether the tag tells the version. */
export const isNumbered = (version: string | undefined): boolean => /^v?\d+\.\d+/.test(version ?? "");

export const versionText = (version: string | undefined): string => {
  const { major, minor } = parse(version);
  return isNumbered(version) ? `${major}.${minor}` : `${major}.${minor} (version unknown, newest assumed)`;
};
