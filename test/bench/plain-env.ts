/** What measured processes are started with. Node reads all certificates named there before anything else, which takes longer than its own start. */
export const plainEnv = (): NodeJS.ProcessEnv => {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  return env;
};
