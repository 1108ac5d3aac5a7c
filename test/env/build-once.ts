import { binaries } from "./build.ts";

/** Builds what is missing of the real test parts before the first test needs it. */
export default async (): Promise<void> => {
  await binaries({ build: true });
};
