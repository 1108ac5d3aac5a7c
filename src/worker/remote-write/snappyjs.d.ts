/** It has no types of its own. */
declare module "snappyjs" {
  /** Snappy's block format. */
  export function compress(bytes: Uint8Array): Uint8Array;
  export function uncompress(bytes: Uint8Array, maxLength?: number): Uint8Array;
}
