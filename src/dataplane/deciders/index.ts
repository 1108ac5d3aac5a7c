import type * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { alwaysDisaggMultimodal } from "./always-disagg-multimodal.ts";
import { alwaysDisaggPd } from "./always-disagg-pd.ts";
import { prefixBasedPd } from "./prefix-based-pd.ts";

/** Whether a stage of its own is worth it. */
export const deciders = registry("type", [prefixBasedPd, alwaysDisaggPd, alwaysDisaggMultimodal]);
export type DeciderSaid = z.output<typeof deciders.schema>;
