import * as z from "zod";
import { admission } from "../admission.ts";

/** Everybody may enter: BLIS's default (sim/admission.go). */
export const alwaysAdmit = admission({
  name: "always-admit",
  summary: "every request may enter, as BLIS's default",
  params: () => z.object({}),
  create: () => ({ readsSignals: false, refusal: () => undefined }),
});
