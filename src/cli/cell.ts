/** How tables look, and how they write counts. */
export const plain = { head: [], border: [] };
/** No line between rows. */
export const compact = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };
export const right = (columns: number): "right"[] => Array.from({ length: columns }, () => "right");
