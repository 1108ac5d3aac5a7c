import { azureReader } from "../azure-reader.ts";
import type { RowReader } from "../trace-row.ts";

/**
 * Azure LMM inference trace of 2025, multimodal (ModServe, SoCC 2025): the columns of the others and `NumImages`, stamps with
 * or without a zone. It doesn't say what an image is worth: each becomes `imageTokens` for the encoder, which stand before the
 * `ContextTokens` of its row and on top of them, since the publisher sends so many tokens and so many images.
 */
export const azure2025 = (imageTokens: number): RowReader => azureReader(undefined, { imageTokens });
