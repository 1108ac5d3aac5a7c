import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const forNode = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  legalComments: "linked",
  logLevel: "warning",
};

/** One function each, as src/worker/compiled-bundle.ts runs them. @returns their file names, by entry */
export const buildBundles = async (entryPoints, outdir) => {
  const { metafile } = await build({
    ...forNode,
    entryPoints,
    outdir,
    entryNames: "[name]-[hash]",
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    define: { "import.meta.url": "__url" },
    supported: { "dynamic-import": false },
    // It starts threads from a file of its own, which a bundle can't hold.
    external: ["piscina"],
    inject: [fileURLToPath(new URL("src/schema/without-codegen.ts", import.meta.url))],
    banner: { js: "(function (module, require, __url) {" },
    footer: { js: "})" },
    metafile: true,
  });
  const named = {};
  for (const file of Object.keys(metafile.outputs).filter((output) => output.endsWith(".cjs"))) {
    const { name, base } = parse(file);
    named[name.replace(/-[^-]*$/, "")] = base;
    // esbuild leaves regular expressions and comments as they are; both may be said in ASCII, a byte per character.
    const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/[^\0-\x7f]/g, escaped));
  }
  return named;
};
