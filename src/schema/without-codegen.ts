import { config } from "zod";

/**
 * Comes first in the program's bundles (`bundles.mjs`; not in the library, whose users have the same zod): schemas are walked, not compiled. Most of them read one object per start, for which
 * making a function takes longer than it saves, and so no code is ever made from text.
 */
config({ jitless: true });
