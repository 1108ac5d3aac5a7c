/** Takes one line of a log as data: `level`, `message` and whatever belongs to it. */
export type Log = (line: Readonly<Record<string, unknown>>) => void;

/** For who gave no log: what went wrong still shows, on standard error. */
export const warnings: Log = ({ level, message, ...rest }) => {
  if (level !== "info") process.emitWarning(`${String(message)} ${JSON.stringify(rest)}`);
};
