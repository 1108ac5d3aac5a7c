/** Where the compiled thread files are, and what the page loads: beside the bundle, or in dist/ when the sources run as they are. */
export const threadsFolder = (here: string): URL => {
  const parts = here.split("/");
  const source = parts.lastIndexOf("src");
  if (here.endsWith(".ts") && source > 0) return new URL(`${parts.slice(0, source).join("/")}/dist/`);
  return new URL(["bundles", "chunks"].includes(parts.at(-2) ?? "") ? "../" : "./", here);
};
