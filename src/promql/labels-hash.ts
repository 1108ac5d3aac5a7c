import type { Labels } from "./labels.ts";
import { utf8Of } from "./strings.ts";
import { xxhash64 } from "./xxhash.ts";

/** 64 bits over names and values, each with its length before it. Source: Labels.Hash of a usual build, Prometheus 3. */
export const labelsHash = (labels: Labels): bigint => {
  const bytes: number[] = [];
  for (const pair of labels.pairs()) {
    for (const text of pair) {
      const encoded = utf8Of(text);
      const { length } = encoded;
      bytes.push(...(length < 255 ? [length] : [255, length & 255, (length >> 8) & 255, length >> 16]), ...encoded);
    }
  }
  return xxhash64(bytes);
};
