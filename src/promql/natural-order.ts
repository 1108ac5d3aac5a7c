/**
 * Whether a text comes before another where numbers in them count as numbers: `node2` before `node10`.
 * Source: facette/natsort, as Prometheus 3.14 sorts by labels.
 */
export const naturallyBefore = (a: string, b: string): boolean => {
  const [partsA, partsB] = [a.match(CHUNKS) ?? [], b.match(CHUNKS) ?? []];
  for (const [i, part] of partsA.entries()) {
    const other = partsB[i];
    if (other === undefined) return false;
    const numeric = /^\d/.test(part) && /^\d/.test(other);
    const same = numeric ? Number(part) === Number(other) : part === other;
    if (!same) return numeric ? Number(part) < Number(other) : part < other;
    if (i === partsA.length - 1) return true;
    if (i === partsB.length - 1) return false;
  }
  return false;
};

const CHUNKS = /\d+|\D+/g;
