import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Path of a file of the measured data that lies beside the checkout; undefined where it isn't there. */
export const measuredData = (name: string): string | undefined => {
  const path = fileURLToPath(new URL(`../../../shared/validation/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
};
