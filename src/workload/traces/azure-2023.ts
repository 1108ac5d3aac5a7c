import { azureReader } from "../azure-reader.ts";
import type { RowReader } from "../trace-row.ts";

/**
 * Azure LLM inference traces of 2023, code and conversation (Splitwise, ISCA 2024). The wall clock has no zone and
 * seven decimals; its ticks of 100 ns are rounded to microseconds.
 */
export const azure2023 = (): RowReader =>
  azureReader({ zoned: false, example: "2023-11-16 18:17:03.9799600", otherwise: "azure-2024" });
