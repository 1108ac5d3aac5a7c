import * as z from "zod";
import { registry } from "../../model/plugin.ts";
import { alwaysAdmit } from "./always-admit.ts";
import { gaieLegacy } from "./gaie-legacy.ts";
import { rejectAll } from "./reject-all.ts";
import { tierShed } from "./tier-shed.ts";
import { tokenBucket } from "./token-bucket.ts";

/** Who may enter where flow control is off. */
export const admissions = registry("type", [gaieLegacy, alwaysAdmit, tokenBucket, tierShed, rejectAll]);
export type AdmissionSaid = z.output<typeof admissions.schema>;
