import { runSideBySide } from "./side-by-side.ts";

/** What the pool calls in each of its threads; they keep the priority of the process, since somebody waits. */
export const compare = runSideBySide;
