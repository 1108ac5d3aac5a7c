import { azureReader } from "../azure-reader.ts";
import type { RowReader } from "../trace-row.ts";

/**
 * Azure LLM inference traces of 2024, one week each (DynamoLLM, HPCA 2025). As 2023, but the stamps bear an offset;
 * they have six decimals, or none where the microseconds are 0.
 */
export const azure2024 = (): RowReader =>
  azureReader({ zoned: true, example: "2024-05-12 01:00:00.088263+00:00", otherwise: "azure-2023" });
