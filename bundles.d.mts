import type { BuildOptions } from "esbuild";

export const forNode: BuildOptions;
export const buildBundles: (
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
) => Promise<Readonly<Record<string, string>>>;
