import { bundleFile, runBundle } from "./compiled-bundle.ts";

const thread = runBundle<typeof import("./preview-thread.ts")>(
  bundleFile("preview-thread", import.meta.url),
  "preview-thread",
);

/** What the pool calls in each of its threads: its first run is what shows which code is needed. */
export const preview: typeof thread.exports.preview = (task) => thread.exports.preview(task).finally(thread.keep);

/** Likewise, to fit an engine. */
export const fit: typeof thread.exports.fit = (task) => thread.exports.fit(task);
