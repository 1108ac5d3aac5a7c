import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** What pages load: built from src/browser, held in memory. */
export interface Assets {
  /** Changes with the bytes, so that browsers may keep them for good. */
  readonly digest: string;
  readonly files: Readonly<Record<string, { readonly contentType: string; readonly text: string }>>;
}

const KINDS = { "page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8" } as const;

/** @param folder `dist/browser/` @throws if it isn't built */
export const readAssets = (folder: URL): Assets => {
  const files = Object.fromEntries(
    Object.entries(KINDS).map(([file, contentType]) => [
      file,
      { contentType, text: readFileSync(new URL(file, folder), "utf8") },
    ]),
  );
  const digest = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  return { digest, files };
};
